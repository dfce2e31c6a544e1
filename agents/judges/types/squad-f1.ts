import { squadJudge } from './squad.ts';

/** F1 of the words that the normalised answer shares with a reference, the best over the references. */
export const squadF1 = squadJudge('squad-f1', 'f1');
