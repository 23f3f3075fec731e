/* `sotalia completion SHELL`: the script that has the shell ask `sotalia __complete`. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

/* bash cuts words at '=' and ':'; the line is split anew, and what bash has kept of the word is
 * taken off the candidates. */
static const char bash_script[] =
    "# bash completion of sotalia: source <(sotalia completion bash)\n"
    "_sotalia() {\n"
    "  local line=${COMP_LINE:0:COMP_POINT} word=${COMP_WORDS[COMP_CWORD]} candidate\n"
    "  local -a words\n"
    "  read -ra words <<<\"$line\"\n"
    "  [[ $line == *' ' ]] && words+=('')\n"
    "  case $word in = | :) word= ;; esac\n"
    "  local kept=${words[-1]%\"$word\"}\n"
    "  COMPREPLY=()\n"
    "  while IFS=$'\\t' read -r candidate _; do\n"
    "    if [[ $candidate == :files ]]; then\n"
    "      compopt -o default\n"
    "      continue\n"
    "    fi\n"
    "    COMPREPLY+=(\"${candidate#\"$kept\"}\")\n"
    "  done < <(sotalia __complete \"${words[@]:1}\" 2>/dev/null)\n"
    "  [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
    "  return 0\n"
    "}\n"
    "complete -F _sotalia sotalia\n";

static const char zsh_script[] =
    "#compdef sotalia\n"
    "# zsh completion of sotalia: source <(sotalia completion zsh)\n"
    "_sotalia() {\n"
    "  local -a names open\n"
    "  local line name what\n"
    "  for line in \"${(@f)$(sotalia __complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\"; do\n"
    "    if [[ $line == :files ]]; then\n"
    "      _files\n"
    "      continue\n"
    "    fi\n"
    "    name=${line%%$'\\t'*} what=${line#*$'\\t'}\n"
    "    [[ -z $name ]] && continue\n"
    "    if [[ $name == *= ]]; then open+=(\"${name//:/\\\\:}:$what\")\n"
    "    else names+=(\"${name//:/\\\\:}${what:+:$what}\"); fi\n"
    "  done\n"
    "  (( ${#names} )) && _describe -V sotalia names\n"
    "  (( ${#open} )) && _describe -V option open -S ''\n"
    "  return 0\n"
    "}\n"
    "compdef _sotalia sotalia\n";

static const char fish_script[] = "# fish completion of sotalia: sotalia completion fish | source\n"
                                  "function __sotalia_complete\n"
                                  "  set -l words (commandline -opc) (commandline -ct)\n"
                                  "  for line in (sotalia __complete $words[2..-1] 2>/dev/null)\n"
                                  "    if test $line = :files\n"
                                  "      __fish_complete_path (commandline -ct)\n"
                                  "    else\n"
                                  "      printf '%s\\n' $line\n"
                                  "    end\n"
                                  "  end\n"
                                  "end\n"
                                  "complete -c sotalia -f -a '(__sotalia_complete)'\n";

cli_exit run_completion(const cli_call *call)
{
	static const struct {
		const char *shell, *script;
	} shells[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};
	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (strcmp(call->args[0], shells[i].shell) != 0)
			continue;
		(void)fputs(shells[i].script, stdout);
		return CLI_OK;
	}
	cli_say("error: there is no completion for the shell '%s': bash, zsh and fish have one",
	    call->args[0]);
	return CLI_USAGE;
}
