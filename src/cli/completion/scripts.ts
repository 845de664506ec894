import { shellQuoted } from '../../text.js';
import type { CompletedCommand, Completion, Shell } from './words.js';

/** The script of each shell. */
export const SCRIPTS: Record<Shell, (commands: readonly CompletedCommand[]) => string> = {
  bash,
  zsh,
  fish,
};

const list = (words: readonly string[]) => shellQuoted(words.join(' '));

/** Options after which a value comes, of all commands: where one has it, none has it without. */
function valued(commands: readonly CompletedCommand[]): string[] {
  const flags = commands.flatMap(({ options }) =>
    options
      .filter(({ value }) => value !== null)
      .flatMap(({ flag, short }) => [flag, ...(short ? [short] : [])]),
  );
  return [...new Set(flags)];
}

/** What follows each command and each option, in the words that bash and zsh share. */
function table(commands: readonly CompletedCommand[]): string {
  const answer = (pattern: string, { words, paths }: Completion) =>
    `    ${pattern}) found=${list(words)}; paths=${paths} ;;`;
  const follows = commands.map(({ name, commands, options }) => {
    const names = list(commands.map((command) => command.name));
    const flags = list(options.map(({ flag }) => flag));
    return `    ${shellQuoted(name)}) subcommands=${names}; flags=${flags} ;;`;
  });
  const values = commands.flatMap(({ name, options }) =>
    options.flatMap(({ flag, short, value }) =>
      value === null
        ? []
        : [flag, ...(short ? [short] : [])].map((given) =>
            answer(shellQuoted(`${name} ${given}`), value),
          ),
    ),
  );
  const places = commands.flatMap((command) =>
    command.arguments.map((completion, place) => {
      const again = command.variadic && place === command.arguments.length - 1;
      return answer(shellQuoted(`${command.name} @`) + (again ? '*' : place), completion);
    }),
  );
  return `_rethink_gen_command() {
  subcommands=''; flags=''
  case "$1" in
${follows.join('\n')}
  esac
}

_rethink_gen_place() {
  found=''; paths=none
  case "$1" in
${[...values, ...places].join('\n')}
  esac
}

# Reads the words before the one that is typed; sets found and paths.
_rethink_gen_read() {
  local typing="$1" word command='' place=0 option='' subcommands flags
  shift
  _rethink_gen_command ''
  for word in "$@"; do
    if [ -n "$option" ]; then option=''; continue; fi
    case "$word" in
      -*) case ${shellQuoted(` ${valued(commands).join(' ')} `)} in *" $word "*) option="$word" ;; esac ;;
      *) case " $subcommands " in
           *" $word "*) command="\${command:+$command }$word"; _rethink_gen_command "$command" ;;
           *) place=$((place + 1)) ;;
         esac ;;
    esac
  done
  if [ -n "$option" ]; then _rethink_gen_place "$command $option"; return; fi
  case "$typing" in
    -*) found="$flags"; paths=none ;;
    *) _rethink_gen_place "$command @$place"; found="$subcommands $found" ;;
  esac
}
`;
}

function bash(commands: readonly CompletedCommand[]): string {
  return `# Completion of rethink-gen for bash. For this session:  source <(rethink-gen completion bash)
# For all:  rethink-gen completion bash > ~/.local/share/bash-completion/completions/rethink-gen
${table(commands)}
_rethink_gen() {
  local line="\${COMP_LINE:0:COMP_POINT}" typing='' found paths before word
  local -a typed
  read -ra typed <<< "$line"
  case "$line" in
    *[[:space:]]) ;;
    *) typing="\${typed[\${#typed[@]}-1]}"; unset "typed[\${#typed[@]}-1]" ;;
  esac
  _rethink_gen_read "$typing" "\${typed[@]:1}"
  # Readline puts in only what follows the last = or : of the word.
  before="\${typing%"\${typing##*[=:]}"}"
  COMPREPLY=()
  for word in $(compgen -W "$found" -- "$typing"); do COMPREPLY+=("\${word#"$before"}"); done
  case "\${COMPREPLY[*]}" in *=) compopt -o nospace 2> /dev/null ;; esac
  case "$paths" in
    files) compopt -o filenames 2> /dev/null
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$typing") ;;
    folders) compopt -o filenames 2> /dev/null
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -d -- "$typing") ;;
  esac
}
complete -F _rethink_gen rethink-gen
`;
}

function zsh(commands: readonly CompletedCommand[]): string {
  return `#compdef rethink-gen
# Completion of rethink-gen for zsh. For this session, after compinit:  source <(rethink-gen completion zsh)
# For all:  rethink-gen completion zsh > a folder of $fpath, as _rethink-gen
${table(commands)}
_rethink_gen() {
  local found paths
  local -a all
  _rethink_gen_read "\${words[CURRENT]}" "\${(@)words[2,CURRENT-1]}"
  all=(\${=found})
  compadd -S '' -- \${(M)all:#*=}
  compadd -- \${all:#*=}
  case "$paths" in
    files) _files ;;
    folders) _files -/ ;;
  esac
}
if [ "\${funcstack[1]}" = _rethink-gen ]; then _rethink_gen "$@"; else compdef _rethink_gen rethink-gen; fi
`;
}

const PATHS: Record<Completion['paths'], string> = { none: '-f', files: '-F', folders: '-f' };

function fish(commands: readonly CompletedCommand[]): string {
  const text = (words: string) => `'${words.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const candidates = ({ words, paths }: Completion) => {
    const folders = paths === 'folders' ? ' (__fish_complete_directories)' : '';
    return `${PATHS[paths]} -a ${text(words.join(' ') + folders)}`;
  };
  const lines = commands.flatMap((command) => {
    const { name } = command;
    const at = (place: string) =>
      `complete -c rethink-gen -n ${text(`__rethink_gen_at ${text(name)} ${place}`)}`;
    return [
      ...command.commands.map(
        (child) => `${at('0')} -f -a ${text(child.name)} -d ${text(child.summary)}`,
      ),
      ...command.options.map(({ flag, short, description, value }) => {
        const dashed = `${short ? `-s ${short.slice(1)} ` : ''}-l ${flag.slice(2)}`;
        const takes = value === null ? '' : ` -r ${candidates(value)}`;
        return `${at('any')} ${dashed} -d ${text(description)}${takes}`;
      }),
      ...command.arguments.map((completion, place) => {
        const again = command.variadic && place === command.arguments.length - 1;
        return `${at(again ? `${place}+` : `${place}`)} ${candidates(completion)}`;
      }),
    ];
  });
  const groups = commands.filter(({ commands }) => commands.length > 0);
  const known = groups.map(
    ({ name, commands }) =>
      `            case ${text(name)}\n                set names ${commands.map((child) => child.name).join(' ')}`,
  );
  return `# Completion of rethink-gen for fish. For this session:  rethink-gen completion fish | source
# For all:  rethink-gen completion fish > ~/.config/fish/completions/rethink-gen.fish

# Whether the words before the one that is typed are this command's, and so many of them its arguments: 0, 1+, any.
function __rethink_gen_at
    set -l command ''
    set -l place 0
    set -l option ''
    for word in (commandline -opc)[2..-1]
        if test -n "$option"
            set option ''
            continue
        end
        if string match -q -- '-*' $word
            contains -- $word ${valued(commands).join(' ')}; and set option $word
            continue
        end
        set -l names
        switch "$command"
${known.join('\n')}
        end
        if contains -- $word $names
            set command (string trim -- "$command $word")
        else
            set place (math $place + 1)
        end
    end
    test "$command" = "$argv[1]"; or return 1
    test $argv[2] = any; and return 0
    string match -q -- '*+' $argv[2]; and test $place -ge (string trim -r -c + -- $argv[2]); and return 0
    test $argv[2] = $place
end

complete -c rethink-gen -f
${lines.join('\n')}
`;
}
