import { z } from 'zod';
import type { Aspect } from '../../../shared/contract/judge-options.ts';
import { aspects } from '../../../shared/contract/judge-options.ts';
import { problemsOf } from '../../../shared/contract/problems.ts';
import { type Asking, userPrompt } from './asking.ts';
import { lastObject } from './last-object.ts';
import { unitValue, weightedMean } from './scores.ts';

/** The prompt of Lin et al. (2023, arXiv 2312.01552, D.5), which the "limits" paper takes over (its Figure 11); the page loses its line breaks. */
const BEFORE =
  'Please act as an impartial judge and evaluate the quality of the responses provided. You will rate the quality of the output on multiple aspects such as Helpfulness, Clarity, Factuality, Depth, and Engagement.';
const AFTER = `## Evaluate
### Aspects
- Helpfulness: Rate the response based on how well it addresses the user's query and provides a relevant solution. A score of 5 indicates the answer fully aids the user, while a 1 suggests it offers little to no help.
- Clarity: Rate the response based on how well-structured it is, with ideas presented in a clear and coherent manner. A high score of 5 means the answer is clear and logically structured, while a 1 suggests a disjointed or confusing reply.
- Factuality: Evaluate the factual accuracy and truthfulness of the information provided. A perfect 5 indicates the information is entirely correct and accurate, while a 1 suggests it has significant factual errors.
- Depth: Determine the level of detail and thoroughness in the response. A score of 5 means the answer delves deeply into the topic, while a 1 indicates it barely scratches the surface.
- Engagement: Assess how engaging and natural the response sounds in a conversational context. A high score of 5 reflects a response that feels engaging and human-like in its tone, while a 1 indicates a robotic or boring reply.

### Format
Given the query, please rate the quality of the output by scoring it from 1 to 5 individually on **each aspect**.
- 1: strongly disagree
- 2: disagree
- 3: neutral
- 4: agree
- 5: strongly agree

Now, please output your scores and a short rationale below in a json format by filling in the placeholders in []:
\`\`\`
{
${aspects.map((aspect) => `    "${aspect}": {\n        "reason": "[your rationale]",\n        "score": "[score from 1 to 5]"\n    }`).join(',\n')}
}
\`\`\``;

const Score = z
  .union([z.int(), z.string().regex(/^\d$/).transform(Number)])
  .pipe(z.int().min(1).max(5));
const Scores = z.object(
  Object.fromEntries(
    aspects.map((aspect) => [aspect, z.object({ reason: z.string(), score: Score })]),
  ) as Record<Aspect, z.ZodObject<{ reason: z.ZodString; score: typeof Score }>>,
);

/** Five aspects of an answer, each 1 to 5 with its reason; the value is their weighted mean on [0, 1], a score s giving (s - 1) / 4. */
export function askMultiAspect(
  question: string,
  answer: string,
  weights: Readonly<Record<Aspect, number>>,
): Asking {
  return {
    questions: [userPrompt(BEFORE, '', '## Query:', question, '', '## Output:', answer, '', AFTER)],
    read: (text = '') => {
      const object = lastObject(text, `"${aspects[0]}"`, [question, answer]);
      if (object === undefined) return { reason: 'the reply has no JSON object of the aspects' };
      const parsed = Scores.safeParse(object);
      if (!parsed.success)
        return { reason: `the scores are not usable: ${problemsOf(parsed.error)}` };
      const values = aspects.map((aspect) => ({
        value: unitValue(parsed.data[aspect].score),
        weight: weights[aspect],
      }));
      return { value: weightedMean(values), details: { aspects: parsed.data } };
    },
  };
}
