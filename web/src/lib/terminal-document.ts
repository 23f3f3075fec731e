// xterm.js writes its colours and sizes into <style> elements, which `style-src 'self'` refuses. It takes another document to
// make its elements with: here one whose <style> elements hand their text to a constructable style sheet. (The attributes
// `style` of single letters are set by script: vite.config.ts.)
function makeStyle(): HTMLElement {
	const element = document.createElement('span');
	const sheet = new CSSStyleSheet();
	element.hidden = true;
	document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
	Object.defineProperty(element, 'textContent', { set: (text: string) => sheet.replaceSync(text), get: () => '' });
	element.remove = () => {
		document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
		HTMLElement.prototype.remove.call(element);
	};
	return element;
}

export function terminalDocument(): Document {
	return new Proxy(document, {
		get(target, name) {
			if (name === 'createElement') {
				return (tag: string) => (tag === 'style' ? makeStyle() : target.createElement(tag));
			}
			const value: unknown = Reflect.get(target, name, target);
			return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
		},
	});
}
