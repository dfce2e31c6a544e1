import type { RunTruncation } from '../../../shared/contract/truncation.ts';
import { markdownTable } from './markdown.ts';

/** How much of the contexts the model saw, by dataset. */
export function renderTruncation(truncation: RunTruncation | undefined): string {
  const title = '## Contexts and the window';
  if (truncation === undefined)
    return `${title}\n\nNot measured: the model's tokenizer and window were not known where the rows were read. What a server refuses for its length counts among the candidates without a score.`;
  const { window, datasets } = truncation;
  const table = markdownTable(
    ['dataset', 'examples', 'shortened', 'left out', 'tokens cut'],
    Object.entries(datasets).map(([name, { examples, shortened, refused, tokensCut }]) => [
      name,
      examples,
      shortened,
      refused,
      tokensCut,
    ]),
  );
  return `${title}\n\nA prompt and its answer have ${window} tokens. What was shortened is what the model, its judges and the training saw; what was left out is too long whatever is cut.\n\n${table}`;
}
