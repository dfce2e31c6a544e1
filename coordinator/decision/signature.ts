import type { Difference } from '../../shared/contract/facts.ts';
import type { Gate } from './gate.ts';

/**
 * The way in which a round failed, where it is one of three that have a known cause (failure signatures of RESET): a score fell for sure
 * (upper 95 % bound below 0) while the other held (lower bound above −loss), or the start did not gain. Later rounds that do not gain have
 * converged, which is no failure.
 */
export function failureSignature(
  { faithfulness, instruction }: Gate['differences'],
  { loss, againstStart }: { loss: number; againstStart: boolean },
): string | undefined {
  const fell = (difference: Difference | null) => difference !== null && difference.upper < 0;
  const held = (difference: Difference | null) => difference !== null && difference.lower > -loss;
  if (fell(instruction) && held(faithfulness))
    return 'signature: instruction fell while faithfulness held, as with a grid whose cells are too alike or weights that favour the context';
  if (fell(faithfulness) && held(instruction))
    return 'signature: faithfulness fell while instruction held, as with a biased judge or weights that favour open instructions';
  if (againstStart && faithfulness !== null && faithfulness.lower <= 0 && !fell(faithfulness))
    return 'signature: no gain over the start, as with redundant candidates, judges that disagree, or too low a learning rate';
  return undefined;
}
