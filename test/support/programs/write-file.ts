/** Writes argv[3] to the file argv[2] durably. */
import { writeFileDurably } from '../../../shared/process/files.ts';

const [path = '', text = ''] = process.argv.slice(2);
await writeFileDurably('seal', path, text);
process.stdout.write('written\n');
