/** The content of a box until there is something to see, and why there isn't. */
export function placeholder(text: string): HTMLElement {
  const element = document.createElement('p');
  element.className = 'placeholder';
  element.textContent = text;
  return element;
}
