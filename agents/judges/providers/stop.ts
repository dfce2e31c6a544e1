import { PermanentError } from '../../../shared/contract/failure.ts';

/** No call to this provider can succeed until a person does something: key, quota, payment, model. No text is to blame, so none is unscored for it. */
export class ProviderStopError extends PermanentError {
  override readonly name = 'ProviderStopError';
}
