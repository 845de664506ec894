import { jsonOfPrintable } from '../../errors.js';

/** A thing of a page as it is sent. */
interface Part {
  id: string;
  json: string;
}

/** Things of a page in their order, each with the version in which it last changed. */
export class Parts {
  private parts = new Map<string, Part & { version: string }>();
  /** JSON of all ids. */
  private order = { json: '[]', version: '' };

  /** @param version Later than all before. */
  take(now: readonly Part[], version: string): void {
    const before = this.parts;
    this.parts = new Map(
      now.map(({ id, json }) => {
        const known = before.get(id);
        return [id, known?.json === json ? known : { id, json, version }];
      }),
    );
    const json = jsonOfPrintable([...this.parts.keys()]);
    if (json !== this.order.json) this.order = { json, version };
  }

  jsonOf(id: string): string | undefined {
    return this.parts.get(id)?.json;
  }

  /** JSON of the parts that have changed since a version, as `Changed` of data.ts; `undefined` where none has, and none is gone. */
  since(version: string): string | undefined {
    const changed = [...this.parts.values()].filter((part) => part.version > version);
    if (changed.length === 0 && this.order.version <= version) return undefined;
    return `{"changed":[${changed.map(({ json }) => json).join(',')}],"order":${this.order.json}}`;
  }
}
