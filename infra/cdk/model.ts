/**
 * A model as `-c llmModelId=` names it: an id or an ARN, as Bedrock's Converse takes it. Each kind needs leave for
 * something else. https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-prereq.html
 */
export type ModelReference =
  /** A model of the stack's own Region. */
  | { readonly is: 'model'; readonly name: string }
  /** A model, or throughput of one that was bought: leave for the ARN is enough. */
  | { readonly is: 'resource'; readonly arn: string }
  /**
   * A cross-Region inference profile forwards a call to one of several Regions. The caller needs leave for the
   * profile, and for the model behind it in each of them.
   */
  | { readonly is: 'profile'; readonly id: string; readonly arn?: string; readonly model: string };

/** `us.amazon.nova-lite-v1:0`: where calls may go, then the model. */
const profileId =
  /^(?:us|us-gov|eu|apac|jp|au|ca|global)\.(?<model>[a-z0-9-]+\.[A-Za-z0-9-]+(?:[.:][A-Za-z0-9-]+)*)$/;
const modelName = /^[a-z0-9-]+\.[A-Za-z0-9-]+(?:[.:][A-Za-z0-9-]+)*$/;
const arn = /^arn:aws[a-z-]*:bedrock:[a-z0-9-]+:(?:\d{12})?:(?<kind>[a-z-]+)\/(?<name>[A-Za-z0-9.:-]+)$/;

/**
 * @returns `undefined` for what no permission can be made of: what is malformed, and what does not say which model
 *   it stands for, as an application inference profile
 */
export function parseModel(text: string): ModelReference | undefined {
  const { kind, name = '' } = arn.exec(text)?.groups ?? {};
  if (kind === 'foundation-model' || kind === 'provisioned-model') return { is: 'resource', arn: text };
  const id = kind === 'inference-profile' ? name : text;
  const model = profileId.exec(id)?.groups?.['model'];
  if (model !== undefined) return { is: 'profile', id, ...(kind !== undefined && { arn: text }), model };
  return modelName.test(text) ? { is: 'model', name: text } : undefined;
}
