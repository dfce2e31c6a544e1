import type { Bus, Directory } from '../../../shared/bus/bus.ts';
import { TransientError } from '../../../shared/contract/failure.ts';

/**
 * Presence that brings its bucket along: the curator is the one who declares, so on a bus that is new or was emptied it must be seen
 * before anyone can ask it for anything.
 */
export function declaringPresence(
  bus: Pick<Bus, 'declare'>,
  directory: Directory,
): Pick<Directory, 'appear' | 'leave'> {
  return {
    appear: async (presence) => {
      try {
        await directory.appear(presence);
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
        await bus.declare();
        await directory.appear(presence);
      }
    },
    leave: (peer) => directory.leave(peer),
  };
}
