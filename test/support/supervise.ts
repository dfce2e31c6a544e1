/** A supervisor as a process of its own, to be killed: `node supervise.js <json of folders and specs>`; prints "up". */
import { type ChildFolders, type ChildSpec } from '../../deploy/local/child.ts';
import { createSupervisor } from '../../deploy/local/supervisor.ts';

const { folders, specs } = JSON.parse(process.argv[2] ?? '') as {
  folders: ChildFolders;
  specs: ChildSpec[];
};
createSupervisor(folders).start(specs);
process.stdout.write('up\n');
