/**
 * Class files for the Java runtime, where only a runtime and no compiler is there.
 * https://docs.oracle.com/javase/specs/jvms/se17/html/jvms-4.html
 */

/** Class files of this version (Java 8) are read by every runtime from 8 on. */
const classFileVersion = 52;
const magic = 0xca_fe_ba_be;
const publicFlag = 0x0001;
const superFlag = 0x0020;
const publicStatic = 0x0009;
/** Of the constants, as in table 4.4-A. */
const tag = { utf8: 1, class: 7, string: 8, method: 10, nameAndType: 12 } as const;

const u1 = (value: number): Buffer => Buffer.from([value]);
const u2 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const u4 = (value: number): Buffer => Buffer.concat([u2(value >>> 16), u2(value & 0xff_ff)]);

/** The constants of a class file; each is there once and known by its index. */
class ConstantPool {
  readonly #entries: Buffer[] = [];
  readonly #indexes = new Map<string, number>();

  utf8(text: string): number {
    const bytes = Buffer.from(text);
    return this.#add(tag.utf8, u2(bytes.length), bytes);
  }

  class(name: string): number {
    return this.#add(tag.class, u2(this.utf8(name)));
  }

  string(text: string): number {
    return this.#add(tag.string, u2(this.utf8(text)));
  }

  method(owner: string, name: string, descriptor: string): number {
    const nameAndType = this.#add(tag.nameAndType, u2(this.utf8(name)), u2(this.utf8(descriptor)));
    return this.#add(tag.method, u2(this.class(owner)), u2(nameAndType));
  }

  bytes(): Buffer {
    return Buffer.concat([u2(this.#entries.length + 1), ...this.#entries]);
  }

  #add(kind: number, ...parts: readonly Buffer[]): number {
    const entry = Buffer.concat([u1(kind), ...parts]);
    const key = entry.toString('latin1');
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    this.#entries.push(entry);
    this.#indexes.set(key, this.#entries.length);
    return this.#entries.length;
  }
}

/** An instruction of a method without branches, by its name in the specification. */
export type Instruction =
  | { readonly kind: 'load' | 'store'; readonly local: 0 | 1 | 2 }
  | { readonly kind: 'true' | 'zero' | 'dup' | 'arrayElement' | 'return' }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'class' | 'cast'; readonly name: string }
  | {
      readonly kind: 'invokeStatic' | 'invokeVirtual';
      readonly owner: string;
      readonly name: string;
      readonly descriptor: string;
    };

const opcode = {
  zero: 0x03,
  true: 0x04,
  constant: 0x13,
  load: 0x2a,
  arrayElement: 0x32,
  store: 0x4b,
  dup: 0x59,
  return: 0xb1,
  invokeVirtual: 0xb6,
  invokeStatic: 0xb8,
  cast: 0xc0,
} as const;

function encoded(instruction: Instruction, pool: ConstantPool): Buffer {
  switch (instruction.kind) {
    case 'load':
    case 'store':
      return u1(opcode[instruction.kind] + instruction.local);
    case 'true':
    case 'zero':
    case 'dup':
    case 'arrayElement':
    case 'return':
      return u1(opcode[instruction.kind]);
    case 'string':
      return Buffer.concat([u1(opcode.constant), u2(pool.string(instruction.value))]);
    case 'class':
      return Buffer.concat([u1(opcode.constant), u2(pool.class(instruction.name))]);
    case 'cast':
      return Buffer.concat([u1(opcode.cast), u2(pool.class(instruction.name))]);
    case 'invokeStatic':
    case 'invokeVirtual': {
      const { owner, name, descriptor } = instruction;
      return Buffer.concat([u1(opcode[instruction.kind]), u2(pool.method(owner, name, descriptor))]);
    }
  }
}

/** More than any method made here has at once on its stack, and in its local variables. */
const stackMax = 8;
const localsMax = 3;

/**
 * Gives the class file of a program.
 * @param main what `main(String[])` does; it may not branch, because a branch needs frames for the verifier
 */
export function programClass(name: string, main: readonly Instruction[]): Buffer {
  const pool = new ConstantPool();
  const code = Buffer.concat(main.map((instruction) => encoded(instruction, pool)));
  const codeAttribute = Buffer.concat([
    u2(stackMax),
    u2(localsMax),
    u4(code.length),
    code,
    u2(0), // exceptions caught
    u2(0), // attributes of the code
  ]);
  const method = Buffer.concat([
    u2(publicStatic),
    u2(pool.utf8('main')),
    u2(pool.utf8('([Ljava/lang/String;)V')),
    u2(1),
    u2(pool.utf8('Code')),
    u4(codeAttribute.length),
    codeAttribute,
  ]);
  const [self, parent] = [pool.class(name), pool.class('java/lang/Object')];
  return Buffer.concat([
    u4(magic),
    u2(0),
    u2(classFileVersion),
    pool.bytes(),
    u2(publicFlag | superFlag),
    u2(self),
    u2(parent),
    u2(0), // interfaces
    u2(0), // fields
    u2(1),
    method,
    u2(0), // attributes of the class
  ]);
}
