import type { Command } from '#apps/drover/command.ts';
import { bashCompletion, zshCompletion } from '#apps/drover/completion-script.ts';
import { invalidArgument } from '#kernel/errors.ts';

const SHELLS = ['bash', 'zsh'];

export const completion: Command = {
  name: 'completion',
  group: 'More',
  usage: 'bash|zsh',
  summary: 'Print the completions for a shell',
  details: [
    'For bash: `source <(drover completion bash)` in ~/.bashrc. For zsh: write it to a file ' +
      '`_drover` in a folder of $fpath.',
  ],
  options: {},
  words: { least: 1, most: 1 },
  wordChoices: SHELLS,
  async run({ words, terminal }) {
    const [shell = ''] = words;
    // Loaded here, because the table of all commands holds this one.
    const { loadAllCommands } = await import('#apps/drover/commands.ts');
    const commands = await loadAllCommands();
    if (shell === 'bash') await terminal.write(bashCompletion(commands));
    else if (shell === 'zsh') await terminal.write(zshCompletion(commands));
    else throw invalidArgument('shell', `must be one of ${SHELLS.join(', ')}, not ${shell}`);
  },
};
