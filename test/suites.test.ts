// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { BACKGROUND, JOBS, jobsOf, STAGES } from './jobs.ts';
import { filesOf, partNamed, partsOf, SUITES } from './suites.ts';

describe('the suites of npm test', () => {
  for (const suite of SUITES)
    it(`${suite.name}: its parts have each of its files once`, () => {
      const parts = partsOf(suite);
      expect(parts.flatMap(({ files }) => files)).to.have.members(filesOf(suite));
      expect(parts.map(({ name }) => name)).to.have.length(Object.keys(suite.parts ?? { all: [] }).length);
    });

  it('has every file that a part lists', () => {
    for (const suite of SUITES)
      for (const [name, globs] of Object.entries(suite.parts ?? {})) {
        const listed = globs.filter((glob) => !glob.includes('*') && !glob.includes('{'));
        expect(partNamed(`${suite.name}/${name}`).files).to.include.members(listed);
      }
  });

  it('runs every job once', () => {
    expect([...BACKGROUND, ...STAGES.flat(2)]).to.have.members(JOBS.map(({ name }) => name));
  });

  it('runs the jobs of the groups that are named, and refuses another name', () => {
    expect(jobsOf(['lint', 'contract']).map(({ group }) => group)).to.include.members(['lint', 'contract']);
    expect(jobsOf([])).to.deep.equal(JOBS);
    expect(() => jobsOf(['units'])).to.throw("test: found 'units', want one of lint, fuzz, unit, wire, sanitized");
    expect(() => partNamed('contract')).to.throw("test: part: found 'contract'");
  });
});
