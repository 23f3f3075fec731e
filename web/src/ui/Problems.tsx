// Errors of actions: code, detail and request id, kept in a drawer until somebody dismisses them. No vanishing toast.
import { Button, Drawer } from 'antd';
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../api/client';
import type { Problem } from '../api/types';
import { i18n } from '../i18n';
import { formatLocal } from '../lib/format';

interface KeptProblem {
	id: number;
	what: string;
	at: string;
	problem: Problem;
}

interface Problems {
	kept: KeptProblem[];
	report: (what: string, cause: unknown) => void;
	show: () => void;
}

const ProblemsContext = createContext<Problems>({ kept: [], report: () => undefined, show: () => undefined });

export function useProblems(): Problems {
	return useContext(ProblemsContext);
}

export function problemOf(cause: unknown): Problem {
	if (cause instanceof ApiError) {
		return cause.problem;
	}
	return { status: 0, code: 'console', detail: cause instanceof Error ? cause.message : String(cause), requestId: '' };
}

/** The code in the reader's language; the detail stays as the server wrote it. */
export function problemTitle(problem: Problem): string {
	const key = `problem/code_${problem.code}`;
	return i18n.exists(key) ? i18n.t(key) : (problem.title ?? i18n.t('problem/title'));
}

export function ProblemText({ problem }: { problem: Problem }) {
	const { t } = useTranslation();
	return (
		<div className="sot-stack">
			<strong>{problemTitle(problem)}</strong>
			{problem.detail && <span>{problem.detail}</span>}
			{problem.errors?.map((error) => (
				<span key={error.pointer + error.detail} className="sot-small">
					<span className="sot-mono">{error.pointer}</span> {error.detail}
				</span>
			))}
			<span className="sot-muted sot-small">
				{t('problem/code')} <span className="sot-mono">{problem.code}</span>
				{problem.requestId && (
					<>
						{' · '}
						{t('problem/requestId')} <span className="sot-mono">{problem.requestId}</span>
					</>
				)}
			</span>
		</div>
	);
}

let nextId = 1;

export function ProblemsProvider({ children }: { children: ReactNode }) {
	const { t } = useTranslation();
	const [kept, setKept] = useState<KeptProblem[]>([]);
	const [open, setOpen] = useState(false);
	const report = useCallback((what: string, cause: unknown) => {
		const entry = { id: nextId++, what, at: new Date().toISOString(), problem: problemOf(cause) };
		setKept((list) => [entry, ...list].slice(0, 50));
		setOpen(true);
	}, []);
	const show = useCallback(() => setOpen(true), []);
	const value = useMemo(() => ({ kept, report, show }), [kept, report, show]);
	const dismiss = (id: number): void => setKept((list) => list.filter((entry) => entry.id !== id));
	return (
		<ProblemsContext.Provider value={value}>
			{children}
			<Drawer
				title={t('header/problems')}
				open={open}
				onClose={() => setOpen(false)}
				size={460}
				extra={
					kept.length > 0 && (
						<Button size="small" onClick={() => setKept([])}>
							{t('common/dismissAll')}
						</Button>
					)
				}
			>
				<div className="sot-problems" role="log" aria-live="assertive">
					{kept.length === 0 && <p className="sot-muted">{t('problem/none')}</p>}
					{kept.map((entry) => (
						<div key={entry.id} className="sot-notice bad">
							<div className="sot-stack">
								<span className="sot-muted sot-small">
									{formatLocal(entry.at)} · {entry.what}
								</span>
								<ProblemText problem={entry.problem} />
							</div>
							<Button size="small" onClick={() => dismiss(entry.id)}>
								{t('common/dismiss')}
							</Button>
						</div>
					))}
				</div>
			</Drawer>
		</ProblemsContext.Provider>
	);
}
