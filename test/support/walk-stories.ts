/** Takes what a definition says goes before the example of a command. */
import type { Domain } from '../../functions/core/definition.ts';
import type { EntityState } from '../../functions/core/entity.ts';
import { partsOfStep } from '../../functions/core/examples.ts';
import { answersThatBring } from '../../functions/core/registry.ts';
import { idsIn } from '../../functions/docs/example-body.ts';
import { exampleOf as documentedExample } from '../../functions/docs/example-order.ts';
import type { Reply } from './backend.ts';
import { leadsTo } from './machine.ts';
import { Filling } from './walk-filling.ts';
import { byCollection } from './walk-inputs.ts';
import type { Given } from './walk-types.ts';
import { NoWay, isClosedWay } from './walk-types.ts';

export abstract class Stories extends Filling {
  /** What is led to at this moment: what goes before it may not lead back to it. */
  readonly #leading = new Set<string>();

  /** The message of an entity whose answer brings a transition about. */
  abstract waiting(id: string, name: string): Promise<unknown>;

  /** @throws NoWay where it is refused */
  abstract force(id: string, name: string, given?: Given): Promise<Reply>;

  /**
   * Takes what goes before a transition, and brings the entity back to its state.
   * @returns whether anything goes before it
   * @throws NoWay where one of the steps cannot be taken
   */
  protected async takeBefore({ id, collection, status }: EntityState, name: string): Promise<boolean> {
    const domain = this.api.backend.registry.byCollection(collection);
    const { after = [] } = domain.transitions[name]?.example ?? {};
    return this.#ledOnce(`${name} of ${id}`, after, async () => {
      await this.takeSteps(id, after);
      await this.bring(id, [status]);
    });
  }

  /** @returns whether there are steps, and they are not being taken already */
  async #ledOnce(led: string, steps: readonly string[], lead: () => Promise<void>): Promise<boolean> {
    if (steps.length === 0 || this.#leading.has(led)) return false;
    this.#leading.add(led);
    try {
      await lead();
      return true;
    } finally {
      this.#leading.delete(led);
    }
  }

  /**
   * Takes what leads to the example of a transition where it is documented, and brings the entity back to its state.
   * @throws NoWay where one of the steps cannot be taken
   */
  protected async takeFound({ id, collection, status }: EntityState, name: string): Promise<void> {
    const domain = this.api.backend.registry.byCollection(collection);
    const steps = this.#documented(domain, name);
    await this.#ledOnce(`${name} of ${id}, as it is documented`, steps, async () => {
      for (const step of steps) {
        const [of, transition] = partsOfStep(domain, step);
        const { from = [] } = domain.transitions[transition] ?? {};
        // It has come some of the way already.
        if (of === collection && !leadsTo(domain, (await this.state(id)).status, from)) continue;
        await this.takeSteps(id, [step]);
      }
      await this.bring(id, [status]);
    });
  }

  /** The steps between the creations and an example, in the document; none where no row leads there. */
  #documented(domain: Domain, name: string): readonly string[] {
    const { after = [] } = documentedExample(this.api.backend.registry, domain, name);
    return after.flatMap(({ domain: of, name: step }) =>
      step === 'create' ? [] : [`${of.collection}/${step}`],
    );
  }

  /**
   * Takes steps of an entity, and of others that it names or that name it, each brought to where it can be taken.
   * @throws NoWay where one of them cannot
   */
  async takeSteps(id: string, steps: readonly string[]): Promise<void> {
    const { collection } = await this.state(id);
    const others = new Map<string, string>();
    for (const step of steps) {
      const [of, transition] = partsOfStep({ collection }, step);
      if (of === collection) await this.#takeStep(id, transition);
      else others.set(of, await this.#takenByOther(id, of, transition, others.get(of)));
    }
  }

  /**
   * Has another entity take a step: one that this one names, or that names it, and can still take it; otherwise a new one,
   * which names it where it can. Where that is refused, one that has taken it before will do.
   * @param last who took the step before
   * @returns which it was
   */
  async #takenByOther(
    id: string,
    collection: string,
    step: string,
    last: string | undefined,
  ): Promise<string> {
    const { registry } = this.api.backend;
    const entity = await this.state(id);
    const domain = registry.byCollection(collection);
    const { from = [], to = [] } = domain.transitions[step] ?? {};
    const named = idsIn(entity.attributes);
    const others = (await this.there(domain)).filter(
      (other) => other.id === last || named.includes(other.id) || idsIn(other.attributes).includes(id),
    );
    others.sort((a, b) => Number(b.id === last) - Number(a.id === last));
    const next = others.find(({ status }) => leadsTo(domain, status, from));
    try {
      const given = { ...byCollection(registry, named), [entity.collection]: id };
      const taker = next ?? (await this.create(domain, { given }));
      await this.#takeStep(taker.id, step);
      return taker.id;
    } catch (error) {
      if (!isClosedWay(error)) throw error;
      const before = others.find(
        (other) => other !== next && to.some((end) => leadsTo(domain, end, [other.status])),
      );
      if (before) return before.id;
      throw new NoWay(`"${collection}/${step}", which goes before: ${error.message}`);
    }
  }

  protected override async takeBeforeCreation(domain: Domain, ids: readonly string[]): Promise<boolean> {
    const { after = this.#documented(domain, 'create') } = domain.create.example ?? {};
    const { registry } = this.api.backend;
    for (const step of after) {
      const [collection, transition] = partsOfStep(domain, step);
      for (const id of ids)
        if (registry.ofId(id)?.collection === collection) await this.#takeStep(id, transition);
    }
    return after.length > 0;
  }

  async #takeStep(id: string, name: string): Promise<void> {
    const { domain, transition } = this.definition(await this.state(id), name);
    await this.bring(id, transition.from);
    await this.#sendFor(id, domain, name);
    await this.force(id, name);
  }

  /** Takes the transition whose message asks for an answer, where none waits for it. */
  async #sendFor(id: string, domain: Domain, name: string): Promise<void> {
    const sender = answersThatBring(domain, name).find(({ command }) => domain.transitions[command]);
    if (sender === undefined || (await this.waiting(id, name)) !== undefined) return;
    await this.#takeStep(id, sender.command);
  }
}
