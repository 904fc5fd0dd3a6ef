/** Bytes by name, at most `capacityBytes` in all: the oldest go first, as results expire at a provider too. */
export class MediaShelf<Item extends { bytes: Buffer }> {
  readonly #items = new Map<string, Item>();
  readonly #capacityBytes: number;
  #usedBytes = 0;

  constructor(capacityBytes = 256 * 1024 * 1024) {
    this.#capacityBytes = capacityBytes;
  }

  put(name: string, item: Item): void {
    this.remove(name);
    this.#items.set(name, item);
    this.#usedBytes += item.bytes.length;
    for (const oldest of this.#items.keys()) {
      if (this.#usedBytes <= this.#capacityBytes || oldest === name) return;
      this.remove(oldest);
    }
  }

  get(name: string): Item | undefined {
    return this.#items.get(name);
  }

  remove(name: string): void {
    const item = this.#items.get(name);
    if (item === undefined) return;
    this.#items.delete(name);
    this.#usedBytes -= item.bytes.length;
  }

  clear(): void {
    this.#items.clear();
    this.#usedBytes = 0;
  }
}
