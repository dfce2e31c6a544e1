import type { JsMsg } from '@nats-io/jetstream';
import { z } from 'zod';
import { messageOf } from '../contract/failure.ts';
import { performEffect } from '../process/failpoint.ts';
import type { Logger } from '../process/logger.ts';
import { malformedCounter } from '../process/metrics.ts';
import type { Delivery } from './bus.ts';
import { REQUEST_TIMEOUT_MS, toFailure } from './connection.ts';

export interface DeliveryDeps<TMessage> {
  kind: 'work' | 'result';
  schema: z.ZodType<TMessage>;
  /** Names the ack for failpoints, such as `judge.ack`. */
  ackEffect: string;
  log: Logger;
}

/** A message in hand, or undefined where it can never be worked: then it is removed, logged and counted. */
export function toDelivery<TMessage>(
  message: JsMsg,
  { kind, schema, ackEffect, log }: DeliveryDeps<TMessage>,
): Delivery<TMessage> | undefined {
  const content = parseMessage(message, schema);
  if ('problem' in content) {
    malformedCounter.inc({ kind });
    log.error(
      { subject: message.subject, problem: content.problem },
      'removed a malformed message',
    );
    message.term();
    return undefined;
  }
  return {
    message: content.value,
    deliveries: message.info.deliveryCount,
    working: () => {
      message.working();
    },
    ack: async () => {
      try {
        await performEffect(ackEffect, () => message.ackAck({ timeout: REQUEST_TIMEOUT_MS }));
      } catch (error) {
        throw toFailure(error, `acknowledging ${message.subject}`);
      }
    },
    giveBack: (delayMs) => {
      message.nak(delayMs);
    },
  };
}

function parseMessage<TMessage>(
  message: JsMsg,
  schema: z.ZodType<TMessage>,
): { value: TMessage } | { problem: string } {
  let content: unknown;
  try {
    content = message.json();
  } catch (error) {
    return { problem: `not JSON: ${messageOf(error)}` };
  }
  const parsed = schema.safeParse(content);
  return parsed.success ? { value: parsed.data } : { problem: z.prettifyError(parsed.error) };
}
