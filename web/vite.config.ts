// How the console is built: hashed assets, no inline scripts or styles, antd's runtime styles sent through constructable
// style sheets (src/lib/dynamic-css.ts) so that the page works under `style-src 'self'`.
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const dynamicCss = fileURLToPath(new URL('./src/lib/dynamic-css.ts', import.meta.url));

/** The two modules that make <style> tags (rc-component's dynamicCSS and the copy of it in @ant-design/icons) become ours. */
function constructableStyles(): Plugin {
	return {
		name: 'sotalia-constructable-styles',
		enforce: 'pre',
		apply: 'build',
		resolveId(source) {
			return /(^|\/)(dynamicCSS|cssUtils)(\.js)?$/.test(source) ? dynamicCss : null;
		},
	};
}

const attributeStyle = 'e.setAttribute("style",`${e.getAttribute("style")||""}${t};`)';

/** xterm.js writes colours of 24 bits and what is marked into attributes `style`, which the policy refuses: it sets them by script. */
function terminalStyles(): Plugin {
	return {
		name: 'sotalia-terminal-styles',
		apply: 'build',
		transform(code, id) {
			if (!/\/@xterm\/xterm\/lib\/xterm\.js$/.test(id)) {
				return null;
			}
			if (!code.includes(attributeStyle)) {
				throw new Error('xterm.js sets styles in another way than when it was pinned: look at what the content security policy refuses');
			}
			return { code: code.replace(attributeStyle, 'e.style.cssText+=`${t};`'), map: null };
		},
	};
}

const gateway = process.env['SOTALIA_URL'] ?? 'http://127.0.0.1:7480';

export default defineConfig({
	plugins: [constructableStyles(), terminalStyles(), react()],
	build: {
		target: 'es2020',
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		chunkSizeWarningLimit: 1400,
		// Every list needs the table: a chunk of its own is shared and stays below the budget of a chunk.
		// The terminal is large, and one page's only.
		rollupOptions: { output: { manualChunks: (id) => (id.includes('/@rc-component/table/') ? 'table' : id.includes('/@xterm/') ? 'xterm' : undefined) } },
	},
	worker: { format: 'es' },
	server: {
		host: '127.0.0.1',
		port: 5173,
		proxy: { '/v1': { target: gateway, ws: true, secure: false, changeOrigin: true } },
	},
	test: {
		environment: 'node', // a document costs seconds a file on a busy machine: who needs one says so in the file's first line
		include: ['src/**/*.test.{ts,tsx}'],
	},
} as Parameters<typeof defineConfig>[0]);
