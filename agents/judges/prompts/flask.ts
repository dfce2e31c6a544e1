import type { Skill } from '../../../shared/contract/judge-options.ts';
import { mayBeQuoted } from '../../../shared/scoring/quoted.ts';
import { type Asking, userPrompt } from './asking.ts';
import { unitValue, weightedMean } from './scores.ts';

/** What each skill asks, after FLASK (Ye et al., 2023) as the "mixing" paper prints it (appendix B). */
const definitions: Readonly<Record<Skill, string>> = {
  'logical correctness':
    'Is the final answer provided by the response logically accurate and correct for an instruction that has a deterministic answer?',
  factuality:
    'Did the model extract pertinent and accurate background knowledge without any misinformation when factual knowledge retrieval is needed? Is the response supported by reliable evidence or citation of the source of its information?',
  'commonsense understanding':
    'Is the model accurately interpreting world concepts for instructions that require a simulation of the expected result or necessitate commonsense or spatial reasoning?',
  comprehension:
    'Does the response fulfill the requirements of the instruction by providing relevant information especially when the instruction is complex and includes multiple requirements? This includes responding in accordance with the explicit and implicit purpose of given instruction.',
  completeness:
    'Does the response provide a sufficient explanation? Comprehensiveness and thoroughness of the response should be considered, which depends on the breadth of topics covered and the level of detail provided within each topic.',
  insightfulness:
    'Is the response creative, original or novel, including new perspectives or interpretations of existing information?',
  readability:
    'Is the response structured to promote readability and coherence? Does the response exhibit excellent organization?',
  conciseness:
    'Is the response presented in a concise manner for the reader without any unnecessary information?',
};

const BEFORE =
  '[System]\nWe would like to request your feedback on the performance of the response of the assistant to the user instruction displayed below. In the feedback, I want you to rate the quality of the response in these 3 categories according to each scoring rubric';
const AFTER =
  "Please give feedback on the assistant's responses. Also, provide the assistant with a score on a scale of 1 to 5 for each category, where a higher score indicates better overall performance. Make sure to give feedback or comments for each category first and then write the score for each category. Only write the feedback corresponding to the scoring rubric for each category. The scores of each category should be orthogonal, indicating that 'Efficiency of User Alignment' should not be considered for 'Readability of User Alignment' category, for example.\n\nLastly, return a Python dictionary object that has skillset names as keys and the corresponding scores as values.\n\n[System]";

/**
 * Three skills of an answer, each 1 to 5 (Figure 3 of the "mixing" paper). The value is their mean on [0, 1], a score s giving (s - 1) / 4;
 * `scaled` in the details is the same on [0, 100], as that paper reports it. The rubric's levels are not in the papers: the definitions
 * alone are sent.
 */
export function askFlask(
  question: string,
  answer: string,
  reference: string | undefined,
  skills: readonly Skill[],
): Asking {
  return {
    questions: [
      userPrompt(
        BEFORE,
        ...skills.flatMap((skill) => ['', `${titleOf(skill)}: ${definitions[skill]}`]),
        '',
        '[Instruction]',
        question,
        '',
        '[Ground Truth Answer]',
        reference ?? '',
        '',
        "[Assistant's Response]",
        answer,
        "[The End of Assistant's Response]",
        '',
        AFTER,
      ),
    ],
    read: (text = '') => {
      const scores = readDictionary(text, [question, answer, reference ?? '']);
      if (scores === undefined)
        return { reason: 'the reply does not end in a dictionary of scores' };
      const missing = skills.filter((skill) => !isScore(scores.get(skill)));
      if (missing.length > 0)
        return { reason: `no whole score from 1 to 5 for ${missing.join(', ')}` };
      const given = skills.map((skill): [Skill, number] => [
        skill,
        scores.get(skill) ?? Number.NaN,
      ]);
      const value = weightedMean(
        given.map(([, score]) => ({ value: unitValue(score), weight: 1 })),
      );
      return { value, details: { skills: Object.fromEntries(given), scaled: value * 100 } };
    },
  };
}

/** The last `{…}` of the text as a Python or JSON dictionary of numbers, keys in lower case; none where it also stands in a text that was shown. */
function readDictionary(
  text: string,
  shown: readonly string[],
): ReadonlyMap<string, number> | undefined {
  const dictionary = text.match(/\{[^{}]*\}/g)?.at(-1);
  if (dictionary === undefined || mayBeQuoted(dictionary, shown)) return undefined;
  const pairs = dictionary.matchAll(/(['"])([^'"{}:]+)\1\s*:\s*(\d+(?:\.\d+)?)(?=\s*[,}])/g);
  return new Map(
    Array.from(pairs, ([, , name = '', score]) => [name.trim().toLowerCase(), Number(score)]),
  );
}

function isScore(score: number | undefined): boolean {
  return Number.isInteger(score) && score !== undefined && score >= 1 && score <= 5;
}

function titleOf(skill: Skill): string {
  return skill.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
}
