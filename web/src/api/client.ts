// All HTTP of the console: session cookie, CSRF header, idempotency keys, RFC 9457 problems.
import type { Accepted, Problem } from './types';

export class ApiError extends Error {
	readonly problem: Problem;

	constructor(problem: Problem) {
		super(problem.detail || problem.title || problem.code);
		this.name = 'ApiError';
		this.problem = problem;
	}
}

let csrfToken = '';
/** The token that GET /v1/me gave; kept in memory only. */
export function setCsrfToken(token: string): void {
	csrfToken = token;
}

/** What a WebSocket of this page offers: its only way to show the token. */
export function execProtocols(): string[] {
	return ['sotalia.exec', `csrf.${csrfToken}`];
}

type QueryValue = string | number | undefined | null;

/** "/v1/instances" + {app: "shop", host: ""} -> "/v1/instances?app=shop": empty values are left out. */
export function withQuery(path: string, query: Record<string, QueryValue> = {}): string {
	const words = new URLSearchParams();
	for (const [name, value] of Object.entries(query)) {
		if (value !== undefined && value !== null && value !== '') {
			words.set(name, String(value));
		}
	}
	const text = words.toString();
	return text ? `${path}?${text}` : path;
}

/** Path segments are names from the API; they are still escaped, so that no name can reach another route. */
export function path(...segments: string[]): string {
	return `/v1/${segments.map(encodeURIComponent).join('/')}`;
}

function problemFrom(status: number, body: string, requestId: string): Problem {
	try {
		const parsed = JSON.parse(body) as Partial<Problem>;
		if (typeof parsed === 'object' && parsed !== null) {
			return {
				...parsed,
				status,
				code: parsed.code ?? `http_${status}`,
				detail: parsed.detail ?? parsed.title ?? '',
				requestId: parsed.requestId ?? requestId,
			};
		}
	} catch {
		/* not a problem document: the status still says something */
	}
	return { status, code: `http_${status}`, detail: body.slice(0, 300), requestId };
}

/** A read that has no answer by then (a connection that died without a word) is given up and tried again. */
const READ_TIMEOUT_MS = 30_000;

/** The caller's signal, with an end of its own when nothing comes. */
function limited(signal: AbortSignal | null | undefined): { signal: AbortSignal; done: () => void } {
	const over = new AbortController();
	const leave = (): void => over.abort(signal?.reason);
	const timer = setTimeout(() => over.abort(new DOMException('no answer', 'TimeoutError')), READ_TIMEOUT_MS);
	if (signal?.aborted) {
		leave();
	}
	signal?.addEventListener('abort', leave);
	return {
		signal: over.signal,
		done: () => {
			clearTimeout(timer);
			signal?.removeEventListener('abort', leave);
		},
	};
}

async function send(method: string, url: string, init: RequestInit): Promise<Response> {
	let response: Response;
	const reads = method === 'GET' ? limited(init.signal) : null;
	try {
		response = await fetch(url, { ...init, ...(reads ? { signal: reads.signal } : {}), method, credentials: 'same-origin', cache: 'no-store' });
	} catch (cause) {
		if (init.signal?.aborted) {
			throw cause;
		}
		throw new ApiError({ status: 0, code: 'unreachable', detail: `${method} ${url}: ${String(cause)}`, requestId: '' });
	} finally {
		reads?.done();
	}
	if (!response.ok) {
		const requestId = response.headers.get('X-Request-Id') ?? '';
		throw new ApiError(problemFrom(response.status, await response.text(), requestId));
	}
	return response;
}

export async function getJson<T>(url: string, signal?: AbortSignal): Promise<T> {
	const response = await send('GET', url, { signal, headers: { Accept: 'application/json' } });
	return (await response.json()) as T;
}

export async function getText(url: string, signal?: AbortSignal): Promise<string> {
	return (await send('GET', url, { signal, headers: { Accept: 'text/plain' } })).text();
}

/** A random key per attempt of a person: a retry of the same click by the browser cannot do the work twice. */
export function newIdempotencyKey(): string {
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export async function change<T = Accepted>(method: 'POST' | 'PUT' | 'DELETE', url: string, body?: unknown): Promise<T> {
	const headers: Record<string, string> = {
		Accept: 'application/json',
		'Idempotency-Key': newIdempotencyKey(),
		'X-CSRF-Token': csrfToken,
	};
	if (body !== undefined) {
		headers['Content-Type'] = 'application/json';
	}
	const response = await send(method, url, { headers, body: body === undefined ? undefined : JSON.stringify(body) });
	const text = await response.text();
	return (text ? JSON.parse(text) : undefined) as T;
}

/** Sends a file as the raw body of a POST and reads the answer. */
export async function postFile<T>(url: string, file: Blob): Promise<T> {
	const headers = { Accept: 'application/json', 'Content-Type': 'application/octet-stream', 'Idempotency-Key': newIdempotencyKey(), 'X-CSRF-Token': csrfToken };
	return (await (await send('POST', url, { headers, body: file })).json()) as T;
}

export interface UploadHandle {
	done: Promise<void>;
	abort: () => void;
}

/** Streams a file as the raw body of a PUT. Progress comes from XMLHttpRequest, which fetch cannot give. */
export function upload(url: string, file: Blob, onProgress: (sentBytes: number) => void, sha256?: string): UploadHandle {
	const request = new XMLHttpRequest();
	const done = new Promise<void>((resolve, reject) => {
		request.open('PUT', url);
		request.setRequestHeader('Content-Type', 'application/octet-stream');
		request.setRequestHeader('Accept', 'application/json');
		request.setRequestHeader('X-CSRF-Token', csrfToken);
		request.setRequestHeader('Idempotency-Key', newIdempotencyKey());
		if (sha256) {
			request.setRequestHeader('X-Content-SHA256', sha256);
		}
		request.upload.onprogress = (progress) => onProgress(progress.loaded);
		request.onload = () => {
			if (request.status >= 200 && request.status < 300) {
				resolve();
			} else {
				const requestId = request.getResponseHeader('X-Request-Id') ?? '';
				reject(new ApiError(problemFrom(request.status, request.responseText, requestId)));
			}
		};
		request.onerror = () => reject(new ApiError({ status: 0, code: 'unreachable', detail: `PUT ${url}`, requestId: '' }));
		request.onabort = () => reject(new DOMException('upload stopped', 'AbortError'));
		request.send(file);
	});
	return { done, abort: () => request.abort() };
}

const HASH_LIMIT_BYTES = 256 * 1024 * 1024;

/** SHA-256 in hex, or undefined for files too large to hold in memory (the server hashes what arrives anyway). */
export async function sha256Hex(file: Blob): Promise<string | undefined> {
	if (file.size > HASH_LIMIT_BYTES || !globalThis.crypto?.subtle) {
		return undefined;
	}
	const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
	return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
