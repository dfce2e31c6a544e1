/**
 * What is true of an answer, known because the world is made here. For tables only: nothing that samples, judges, selects,
 * trains or decides may import it (a lint rule and a test see to that).
 */
import type { Population } from './population.ts';
import { fill, relations } from './vocabulary.ts';

/** A row to be faithful to: the kind is `extractive_qa`, or one whose answer is made of sentences. */
export interface ContextRow {
  kind: 'extractive_qa' | 'abstractive_qa' | 'summarization';
  context: string;
  question: string | null;
}

type Recognise = (text: string) => { name: string; value: string } | undefined;

/** Knows which facts a passage of the population's world states, from its text. */
export function createOracle({ vocabulary }: Population) {
  const words = relations.map((relation) => vocabulary.relations[relation]);
  const statements = words.map((of) => of.statements.map(recogniser));
  const questions = words.map((of) => [...of.questions, of.newQuestion].map(recogniser));

  /** Such as `2/Ada Baker/spicy soup`: a fact whatever its wording. Undefined for a sentence that states none. */
  function factOf(sentence: string): string | undefined {
    return firstOf(statements, (recognise, relation) => {
      const found = recognise(sentence);
      return found && `${relation}/${found.name}/${found.value}`;
    });
  }

  /**
   * Share in [0, 1] of an answer's sentences that are facts of the passage. An extractive answer is one statement, of which the
   * question says the rest: 1 if it is the value that the passage has for it, else 0. An empty answer is 0.
   */
  return function faithfulness({ kind, context, question }: ContextRow, answer: string): number {
    const stated = new Set(sentencesOf(context).map(factOf));
    if (kind === 'extractive_qa') {
      const asked = firstOf(questions, (recognise, relation) => {
        const found = recognise(question ?? '');
        return found && `${relation}/${found.name}`;
      });
      if (asked === undefined) throw new Error(`no question of this world: ${question ?? ''}`);
      return stated.has(`${asked}/${answer.trim()}`) ? 1 : 0;
    }
    const told = sentencesOf(answer).map(factOf);
    const true_ = told.filter((fact) => fact !== undefined && stated.has(fact));
    return told.length === 0 ? 0 : true_.length / told.length;
  };
}

function firstOf<T>(
  of: readonly (readonly Recognise[])[],
  look: (recognise: Recognise, relation: number) => T | undefined,
): T | undefined {
  for (const [relation, recognisers] of of.entries())
    for (const recognise of recognisers) {
      const found = look(recognise, relation);
      if (found !== undefined) return found;
    }
  return undefined;
}

/** Reads name and value back from a text that a template made. Both are two words. */
function recogniser(template: string): Recognise {
  const escaped = template.replace(/[.?]/g, '\\$&');
  const pattern = fill(escaped, { name: '(?<name>\\w+ \\w+)', value: '(?<value>\\w+ \\w+)' });
  const whole = new RegExp(`^${pattern}$`);
  return (text) => {
    const groups = whole.exec(text)?.groups;
    return groups && { name: groups.name ?? '', value: groups.value ?? '' };
  };
}

function sentencesOf(text: string): string[] {
  return text
    .trim()
    .split(/(?<=\.)\s+/)
    .filter((sentence) => sentence !== '');
}
