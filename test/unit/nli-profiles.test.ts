import { expect, test } from 'vitest';
import { capabilities } from '../../agents/judges/types/table.ts';
import { capabilityOf } from '../../shared/contract/judge-options.ts';
import { Profiles } from '../../shared/contract/peer.ts';
import { JudgeSpec } from '../../shared/contract/run-file.ts';
import { placesOf } from '../../agents/judges/nli/labels.ts';

const spec = { name: 'faithful', axis: 'faithfulness', type: 'summac-zs' } as const;

test('a run file names an NLI profile, and refuses a URL or a path', () => {
  expect(JudgeSpec.safeParse({ ...spec, nli: 'vitc' }).success).toBe(true);
  for (const nli of ['http://127.0.0.1:8080', '/models/vitc', './vitc', 'Vitc', '']) {
    const { error } = JudgeSpec.safeParse({ ...spec, nli });
    expect(error?.issues.map(({ path, message }) => [path, message])).toEqual([
      [
        ['nli'],
        'URLs and paths belong to the nli profiles of a peer; name one (a-z, 0-9, "-"), or write lexical',
      ],
    ]);
  }
});

test('a peer without the model does not offer the judge that needs it, but the lexical one', () => {
  const without = capabilities(Profiles.parse({}));
  const nli = { vitc: { url: 'http://127.0.0.1:8080' }, mnli: { folder: '/models/mnli' } };
  const offered = capabilities(Profiles.parse({ nli }));
  for (const options of [{}, { nli: 'lexical' }]) {
    expect(without).toContain(capabilityOf({ ...spec, ...options }));
    expect(offered).toContain(capabilityOf({ ...spec, ...options }));
  }
  for (const name of ['vitc', 'mnli']) {
    expect(without).not.toContain(capabilityOf({ ...spec, nli: name }));
    expect(offered).toContain(capabilityOf({ ...spec, nli: name }));
  }
});

test('labels stand where their names say, in the order of any model', () => {
  expect(placesOf(['CONTRADICTION', 'NEUTRAL', 'ENTAILMENT'], 'x')).toEqual({
    entailment: 2,
    contradiction: 0,
    neutral: 1,
  });
  expect(placesOf(['SUPPORTS', 'REFUTES', 'NOT_ENOUGH_INFO'], 'x')).toEqual({
    entailment: 0,
    contradiction: 1,
    neutral: 2,
  });
  for (const labels of [
    ['LABEL_0', 'LABEL_1', 'LABEL_2'],
    ['entailment', 'neutral'],
    ['entailment', 'neutral', 'contradiction', 'other'],
    ['entailment', 'entailment', 'contradiction'],
    [],
  ])
    expect(() => placesOf(labels, 'folder/config.json')).toThrow(
      /^folder\/config\.json: the labels/,
    );
});
