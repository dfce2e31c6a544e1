import { squadJudge } from './squad.ts';

/** 1 if the normalised answer equals a normalised reference, else 0. */
export const exactMatch = squadJudge('exact-match', 'em');
