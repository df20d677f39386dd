/** A program that opens a database once it is told to on stdin, prints `open`, and closes it. */
import { once } from 'node:events';
import { openDatabase } from '#stores/open-database.ts';

process.stdout.write('ready\n');
await once(process.stdin, 'data');
process.stdin.destroy();
await using _database = await openDatabase({ url: process.argv[2] ?? '' });
process.stdout.write('open\n');
