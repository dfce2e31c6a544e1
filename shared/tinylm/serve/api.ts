import { ApiError } from './api-error.ts';
import { complete } from './completion.ts';
import type { LoadedModel, Registry } from './registry.ts';
import { BatchRequest, CompletionRequest, LoadRequest, readBody, readValue } from './request.ts';

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
  { path: /^\/v1\/completions\/batch$/, methods: { POST: createBatch } },
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
  return replyTo(readBody(CompletionRequest, body), registry, signal);
}

/** Many completions in one call: a small model answers faster than HTTP calls are made. One that fails takes no other with it. */
async function createBatch({ body, signal }: Call, registry: Registry): Promise<Reply> {
  const { completions } = readBody(BatchRequest, body);
  const replies = completions.map(async (completion): Promise<Reply> => {
    try {
      return await replyTo(readValue(CompletionRequest, completion), registry, signal);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { status: error.status, headers: error.headers, body: error.body };
    }
  });
  return { status: 200, body: { replies: await Promise.all(replies) } };
}

async function replyTo(
  asked: CompletionRequest,
  registry: Registry,
  signal: AbortSignal,
): Promise<Reply> {
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
