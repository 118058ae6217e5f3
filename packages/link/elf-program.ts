// SPDX-License-Identifier: Apache-2.0
/**
 * Reads what clang makes of a BPF program: an ELF object (ELF-64 Object File Format) with one section of instructions.
 */

/** The program, and the instructions that load a map. */
export interface KernelProgram {
  /** 64-bit words as they are in memory on a little-endian machine. */
  readonly instructions: readonly bigint[];
  readonly relocations: readonly { readonly instruction: number; readonly map: string }[];
}

/** Name of the section with the program. */
const PROGRAM_SECTION = 'tc';
const INSTRUCTION_BYTES = 8;
const SECTION_HEADERS_AT = 0x28;
const SECTION_HEADER_BYTES = 64;
const SECTION_COUNT_AT = 0x3c;
const SECTION_NAMES_AT = 0x3e;
const SYMBOL_BYTES = 24;
const RELOCATION_BYTES = 16;
/** A 64-bit load of an address (kernel: Documentation/bpf/llvm_reloc.rst). */
const R_BPF_64_64 = 1;

interface Section {
  readonly name: string;
  readonly bytes: DataView;
}

/** Throws when the program refers to anything but a map: such an object cannot be loaded. */
export function readKernelProgram(object: Uint8Array): KernelProgram {
  const sections = readSections(object);
  const code = sectionNamed(sections, PROGRAM_SECTION);
  const count = code.byteLength / INSTRUCTION_BYTES;
  const instructions = Array.from({ length: count }, (_, index) => code.getBigUint64(index * INSTRUCTION_BYTES, true));
  const relocations = sectionNamed(sections, `.rel${PROGRAM_SECTION}`);
  return {
    instructions,
    relocations: Array.from({ length: relocations.byteLength / RELOCATION_BYTES }, (_, index) => {
      const offset = Number(relocations.getBigUint64(index * RELOCATION_BYTES, true));
      const info = relocations.getBigUint64(index * RELOCATION_BYTES + 8, true);
      return { instruction: offset / INSTRUCTION_BYTES, map: mapNamed(sections, info) };
    }),
  };
}

function mapNamed(sections: readonly Section[], info: bigint): string {
  const symbols = sectionNamed(sections, '.symtab');
  const names = sectionNamed(sections, '.strtab');
  const at = Number(info >> 32n) * SYMBOL_BYTES;
  const name = textAt(names, symbols.getUint32(at, true));
  const isUndefined = symbols.getUint16(at + 6, true) === 0;
  if (Number(info & 0xffffffffn) !== R_BPF_64_64 || !isUndefined)
    throw new Error(`link: read program: "${name}" is not a map; constants and functions must be expanded in place`);
  return name;
}

function readSections(object: Uint8Array): Section[] {
  const view = new DataView(object.buffer, object.byteOffset, object.length);
  const start = Number(view.getBigUint64(SECTION_HEADERS_AT, true));
  const headers = Array.from({ length: view.getUint16(SECTION_COUNT_AT, true) }, (_, index) => {
    const at = start + index * SECTION_HEADER_BYTES;
    const offset = Number(view.getBigUint64(at + 0x18, true));
    const length = Number(view.getBigUint64(at + 0x20, true));
    return { nameAt: view.getUint32(at, true), offset, length };
  });
  const viewOf = ({ offset, length }: { offset: number; length: number }) =>
    new DataView(object.buffer, object.byteOffset + offset, length);
  const namesHeader = headers[view.getUint16(SECTION_NAMES_AT, true)];
  if (!namesHeader) throw new Error('link: read program: no section names');
  const names = viewOf(namesHeader);
  return headers.map((header) => ({ name: textAt(names, header.nameAt), bytes: viewOf(header) }));
}

function sectionNamed(sections: readonly Section[], name: string): DataView {
  const section = sections.find((one) => one.name === name);
  if (!section) throw new Error(`link: read program: no section "${name}"`);
  return section.bytes;
}

function textAt(view: DataView, start: number): string {
  let text = '';
  for (let at = start; view.getUint8(at) !== 0; at++) text += String.fromCharCode(view.getUint8(at));
  return text;
}
