// SPDX-License-Identifier: Apache-2.0

// Marks that an object can carry through YAML, and the template expressions that they become.

type Mark = 'value' | 'block' | 'with' | 'more' | 'include' | 'entry' | 'options';

export function mark(kind: Mark, expression: string): string {
  return `@${kind}(${expression})`;
}

/**
 * Puts template expressions in the place of the marks, each of which stands on a line of its own:
 * - `key: @value(E)` becomes `key: {{ E }}`
 * - `key: @block(E)` becomes the value as YAML, and `key: @with(E)` the same unless it is empty
 * - `@more(E): ""` becomes more entries of the map
 * - `@include(T): ""` becomes what the helper gives
 * - `- @entry(T component port)` becomes the same in a list, for a daemon where one is named
 * - `- @options(component port)` becomes the arguments of a daemon
 */
export function withExpressions(yaml: string): string {
  return yaml
    .split('\n')
    .map((line) => {
      const found =
        /^( *)(- )?(?:([\w./-]+): )?["']?@(value|block|with|more|include|entry|options)\((.*)\)["']?(?:: "")?$/.exec(
          line,
        );
      if (found === null) return line;
      const [, indent = '', dash = '', key, kind, raw = ''] = found;
      return expressionOf({ indent, dash, key, kind: kind as Mark, expression: raw.replaceAll('\\"', '"') });
    })
    .join('\n');
}

interface Marked {
  readonly indent: string;
  readonly dash: string;
  readonly key: string | undefined;
  readonly kind: Mark;
  readonly expression: string;
}

function expressionOf({ indent, dash, key, kind, expression }: Marked): string {
  const inner = indent.length + dash.length;
  const yamlOf = (what: string, depth: number) => `{{- toYaml ${what} | nindent ${depth} }}`;
  switch (kind) {
    case 'value':
      return `${indent}${dash}${key}: {{ ${expression} }}`;
    case 'block':
      return `${indent}${dash}${key}:\n${indent}  ${yamlOf(expression, inner + 2)}`;
    case 'with':
      return `${indent}{{- with ${expression} }}\n${indent}${key}:\n${indent}  ${yamlOf('.', inner + 2)}\n${indent}{{- end }}`;
    case 'more':
      return `${indent}{{- with ${expression} }}\n${indent}${yamlOf('.', inner)}\n${indent}{{- end }}`;
    case 'include':
      return `${indent}{{- include "${expression}" . | nindent ${inner} }}`;
    case 'entry': {
      const [helper, component, port] = expression.split(' ');
      const initial = port === undefined ? '' : ` "initialPort" ${port}`;
      const given = component === undefined ? '.' : `(dict "root" . "component" .Values.${component}${initial})`;
      return `${indent}{{- include "${helper}" ${given} | nindent ${indent.length} }}`;
    }
    case 'options': {
      const [component, port] = expression.split(' ');
      const given = `(dict "root" . "component" .Values.${component} "initialPort" ${port})`;
      return `${indent}{{- include "berth.options" ${given} | nindent ${inner - dash.length} }}`;
    }
  }
}
