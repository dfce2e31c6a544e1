/** One worker of the raw ceiling: `fork(program, [natsUrl])`; says `ready` and ends with its parent. */
import { jetstream, type JsMsg } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { ceilingNames, RESULT_BYTES } from './ceiling.ts';

process.on('disconnect', () => process.exit(0));

const { work, durable, resultSubject } = ceilingNames;
const result = 'x'.repeat(RESULT_BYTES);
const client = jetstream(await connect({ servers: process.argv[2] ?? '' }));
const consumer = await client.consumers.get(work, durable);
const messages = await consumer.consume({ max_messages: 128 });
process.send?.('ready');
for await (const message of messages) void answer(message);

async function answer(message: JsMsg): Promise<void> {
  await client.publish(resultSubject, result);
  message.ack();
}
