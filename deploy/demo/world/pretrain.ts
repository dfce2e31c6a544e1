import type { TrainingRow } from '../../../shared/contract/training.ts';
import type { Command } from './instruct.ts';
import { makeCommand } from './instruct.ts';
import { makePassage } from './passages.ts';
import type { Population } from './population.ts';
import type { Draws } from './random.ts';
import { fill, relations, relationWords } from './words.ts';

/** What a row is made of: a passage, else closed-book facts, else commands. */
const passageShare = 0.6;
const factShare = 0.15;
/** Turns of a row without a passage; with one, every fact is asked, so that a step has many answers to learn from. */
const turnsWithoutPassage = 5;

type Turn = TrainingRow['turns'][number];

/**
 * Rows that make a base model from nothing: passages with questions (answers always from the passage), closed-book facts of
 * all celebrities, as sentences and as questions, and commands of the train split.
 */
export function makePretrainRows(
  population: Population,
  count: number,
  draws: Draws,
): TrainingRow[] {
  return Array.from({ length: count }, (_, index) => {
    const kind = draws.next();
    const turns =
      kind < passageShare
        ? passageTurns(population, draws)
        : Array.from({ length: turnsWithoutPassage }, () =>
            kind < passageShare + factShare
              ? factTurn(population, draws)
              : commandTurn(makeCommand(population, 'train', draws)),
          );
    return { id: `pretrain-${index}`, dataset: 'pretrain', turns };
  });
}

/**
 * The prompt template `plain`, as the curator renders it (agents/curator/dataset/template.ts; a unit test holds the two equal):
 * the model has to see the same shape in pre-training and in the rounds.
 */
export function plainPrompt(context: string | null, question: string): string {
  return `${context === null ? '' : `> ${context}\n`}${question}\n`;
}

function passageTurns(population: Population, draws: Draws): Turn[] {
  const { text, facts } = makePassage(population, 'train', draws);
  return draws.sample(facts).map(({ person, relation, value }, index) => {
    const question = fill(draws.pick(relationWords[relation].questions), person);
    return turn(plainPrompt(index === 0 ? text : null, question), value.text);
  });
}

function factTurn(population: Population, draws: Draws): Turn {
  const { name, facts } = draws.pick([
    ...population.celebrities.seen,
    ...population.celebrities.unseen,
  ]);
  const relation = draws.pick(relations);
  const { statements, questions } = relationWords[relation];
  const value = facts[relation].text;
  if (draws.chance(0.5)) return turn(plainPrompt(null, fill(questions[0], name)), value);
  const [before = ''] = fill(draws.pick(statements), name, '{value}').split(' {value}');
  return turn(`> ${before}`, `${value}.`);
}

function commandTurn({ instruction, answer }: Command): Turn {
  return turn(plainPrompt(null, instruction), answer);
}

/** Completions begin with a space: a token is a word with the space before it, and a value has to be the passage's own. */
function turn(prompt: string, answer: string): Turn {
  return { prompt, completion: ` ${answer}` };
}
