import { ApiError } from './api-error.ts';
import { complete } from './completion.ts';
import type { LoadedModel, Registry } from './registry.ts';
import { CompletionRequest, LoadRequest, readBody } from './request.ts';

export interface Reply {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** One request, read whole. */
export interface Call {
  method: string;
  /** Path without query. */
  path: string;
  body: Buffer;
  /** Aborts when the client has gone. */
  signal: AbortSignal;
}

type Route = (call: Call, registry: Registry, id: string) => Reply | Promise<Reply>;

const routes: { path: RegExp; methods: Record<string, Route> }[] = [
  { path: /^\/health$/, methods: { GET: health } },
  { path: /^\/v1\/models$/, methods: { GET: listModels, POST: loadModel } },
  { path: /^\/v1\/models\/(.+)$/, methods: { GET: showModel, DELETE: unloadModel } },
  { path: /^\/v1\/completions$/, methods: { POST: createCompletion } },
];

/** Answers one call; throws ApiError for whatever the client got wrong. */
export async function answer(call: Call, registry: Registry): Promise<Reply> {
  for (const { path, methods } of routes) {
    const match = path.exec(call.path);
    if (match === null) continue;
    const route = methods[call.method];
    if (route !== undefined) return route(call, registry, decodeId(match[1] ?? ''));
    const allow = Object.keys(methods).join(', ');
    throw new ApiError(405, `${call.path} takes ${allow}`, { headers: { allow } });
  }
  throw new ApiError(404, `${call.method} ${call.path}: no such route`);
}

function health(_: Call, registry: Registry): Reply {
  const { prefilledTokens, generatedTokens } = registry.counts();
  const models = registry.list();
  const body = {
    status: 'ok',
    models: models.map(({ id }) => id),
    samples_in_hand: models.reduce((sum, { batcher }) => sum + batcher.inHand(), 0),
    prefilled_tokens: prefilledTokens,
    generated_tokens: generatedTokens,
  };
  return { status: 200, body };
}

function listModels(_: Call, registry: Registry): Reply {
  return { status: 200, body: { object: 'list', data: registry.list().map(describe) } };
}

async function loadModel({ body }: Call, registry: Registry): Promise<Reply> {
  const { id, path } = readBody(LoadRequest, body);
  const { model, created } = await registry.load(id, path);
  return { status: created ? 201 : 200, body: describe(model) };
}

function showModel(_: Call, registry: Registry, id: string): Reply {
  return { status: 200, body: describe(registry.use(id)) };
}

function unloadModel(_: Call, registry: Registry, id: string): Reply {
  registry.unload(id);
  return { status: 200, body: { id, object: 'model', deleted: true } };
}

async function createCompletion({ body, signal }: Call, registry: Registry): Promise<Reply> {
  const asked = readBody(CompletionRequest, body);
  return { status: 200, body: await complete(registry.use(asked.model), asked, signal) };
}

/** A model as the OpenAI API lists it, with two fields that vLLM adds: where it is from and its positions. */
function describe({ id, path, created, generator }: LoadedModel) {
  const max_model_len = generator.config.max_position_embeddings;
  return { id, object: 'model', created, owned_by: 'tinylm', root: path, max_model_len };
}

function decodeId(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new ApiError(400, `${segment}: is not a URL-encoded model id`);
  }
}
