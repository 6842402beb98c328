/** Tells when a request leaves this machine: before that the receiver cannot have acted, afterwards it may have. */
import type { Dispatcher } from 'undici';

/**
 * A dispatcher tells its handler when a request is put on a connection. That is after the name was resolved, the
 * connection was made and TLS was spoken, and just before the first byte is written.
 * https://github.com/nodejs/undici/blob/main/docs/docs/api/Dispatcher.md
 */
export const tellingOfFirstByte = (dispatcher: Dispatcher, onFirstByte: () => void): Dispatcher =>
  dispatcher.compose(
    (dispatch) => (options, handler) =>
      dispatch(options, {
        onRequestStart: (controller, context: object) => {
          handler.onRequestStart?.(controller, context);
          // One that was given up while its connection was made is ended here, before it is written.
          if (!controller.aborted) onFirstByte();
        },
        onRequestUpgrade: (...given) => handler.onRequestUpgrade?.(...given),
        onResponseStart: (...given) => handler.onResponseStart?.(...given),
        onResponseData: (...given) => handler.onResponseData?.(...given),
        onResponseEnd: (...given) => handler.onResponseEnd?.(...given),
        onResponseError: (...given) => handler.onResponseError?.(...given),
      }),
  );
