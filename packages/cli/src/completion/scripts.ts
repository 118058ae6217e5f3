// SPDX-License-Identifier: Apache-2.0
/**
 * What shells need to complete `kubectl-berth`, and kubectl to complete `kubectl berth`. All of them ask the hidden
 * verb `__complete`, which answers like the programs that are made with cobra: a line for each candidate, a tab before
 * its description, at last `:` and what else may stand there (0 files, 4 nothing).
 */

export const SHELLS = ['bash', 'zsh', 'fish', 'kubectl'] as const;
export type Shell = (typeof SHELLS)[number];

/** The line is split by ourselves: bash breaks words at colons too, which IPv6 addresses are full of. */
const BASH = `# Completion of kubectl-berth for bash: source it, e.g. in ~/.bashrc.
_kubectl_berth() {
  local line="\${COMP_LINE:0:COMP_POINT}" directive candidate current
  local -a words answer
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  current="\${words[\${#words[@]} - 1]}"
  COMPREPLY=()
  mapfile -t answer < <("\${words[0]}" __complete "\${words[@]:1}" 2>/dev/null)
  ((\${#answer[@]})) || return 0
  directive="\${answer[\${#answer[@]} - 1]}"
  unset "answer[\${#answer[@]} - 1]"
  for candidate in "\${answer[@]}"; do
    candidate="\${candidate%%$'\\t'*}"
    [[ $COMP_WORDBREAKS == *:* && $current == *:* ]] && candidate="\${candidate#"\${current%"\${current##*:}"}"}"
    COMPREPLY+=("$candidate")
  done
  if [[ $directive == :0 ]]; then
    mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
    compopt -o filenames 2>/dev/null
  fi
  return 0
}
complete -F _kubectl_berth kubectl-berth
`;

const ZSH = `#compdef kubectl-berth
# Completion of kubectl-berth for zsh: put it as _kubectl-berth into a folder of $fpath, or source it after compinit.
_kubectl-berth() {
  local -a answer candidates
  local directive line
  answer=("\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  directive="\${answer[-1]}"
  for line in "\${(@)answer[1,-2]}"; do
    candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  ((\${#candidates})) && _describe -V 'kubectl berth' candidates
  [[ $directive == :0 ]] && _files
  return 0
}
if [[ "$funcstack[1]" == _kubectl-berth ]]; then
  _kubectl-berth "$@"
else
  compdef _kubectl-berth kubectl-berth
fi
`;

const FISH = `# Completion of kubectl-berth for fish: put it as kubectl-berth.fish into ~/.config/fish/completions.
function __kubectl_berth_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
    test (count $answer) -gt 0; or return
    set -l directive $answer[-1]
    set -e answer[-1]
    test (count $answer) -gt 0; and printf '%s\\n' $answer
    test "$directive" = :0; and __fish_complete_path "$current"
end
complete -c kubectl-berth -f -a '(__kubectl_berth_complete)'
`;

const KUBECTL = `#!/bin/sh
# Completion of kubectl berth: put it as kubectl_complete-berth, executable, into a folder of your PATH. Kubectl's own completion (1.26 and later) calls it.
exec kubectl-berth __complete "$@"
`;

export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: BASH,
  zsh: ZSH,
  fish: FISH,
  kubectl: KUBECTL,
};
