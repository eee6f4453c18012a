import { escaped } from '../display/sheet';

/** An element as Plot and d3 see it, and the text that it is in a file. */
class SvgElement {
  readonly ownerDocument: SvgDocument;
  readonly namespaceURI: string;
  /** Plot assigns the properties of its option `style` here. */
  readonly style: Record<string, string> = {};
  parentNode: SvgElement | null = null;
  private readonly name: string;
  private readonly attributes = new Map<string, string>();
  private nodes: SvgElement[] = [];
  private text = '';

  constructor(ownerDocument: SvgDocument, namespaceURI: string, name: string) {
    this.ownerDocument = ownerDocument;
    this.namespaceURI = namespaceURI;
    this.name = name;
  }

  setAttribute(name: string, value: unknown): void {
    this.attributes.set(name, `${value}`);
  }

  setAttributeNS(_namespace: string, name: string, value: unknown): void {
    this.setAttribute(name, value);
  }

  getAttribute(name: string): string | null {
    return this.attributes.get(name) ?? null;
  }

  hasAttribute(name: string): boolean {
    return this.attributes.has(name);
  }

  removeAttribute(name: string): void {
    this.attributes.delete(name);
  }

  appendChild<Child extends SvgElement>(child: Child): Child {
    return this.insertBefore(child, null);
  }

  insertBefore<Child extends SvgElement>(child: Child, next: SvgElement | null): Child {
    if (child.parentNode) child.parentNode.nodes = child.parentNode.nodes.filter((other) => other !== child);
    const at = next ? this.nodes.indexOf(next) : this.nodes.length;
    this.nodes.splice(at, 0, child);
    child.parentNode = this;
    return child;
  }

  get children(): readonly SvgElement[] {
    return this.nodes;
  }

  set textContent(text: string) {
    this.nodes = [];
    this.text = `${text}`;
  }

  get outerHTML(): string {
    const style = Object.entries(this.style).map(([name, value]) => `${name}:${value}`);
    const attributes = [...this.attributes, ...(style.length > 0 ? [['style', style.join(';')] as const] : [])]
      .map(([name, value]) => ` ${name}="${escaped(value)}"`)
      .join('');
    const content = this.nodes.map((child) => child.outerHTML).join('') + escaped(this.text);
    return `<${this.name}${attributes}>${content}</${this.name}>`;
  }
}

/** The few calls of a document that Plot makes to draw an SVG, so that pictures need no browser and no DOM library. */
export class SvgDocument {
  readonly documentElement: SvgElement = new SvgElement(this, 'http://www.w3.org/1999/xhtml', 'html');

  createElementNS(namespace: string, name: string): SvgElement {
    return new SvgElement(this, namespace, name);
  }
}
