// Changes: every one asks when it matters, sends an idempotency key, shows where its operation can be followed, and keeps
// its errors.
import { useQueryClient } from '@tanstack/react-query';
import { App as AntdApp } from 'antd';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router-dom';
import { change } from '../api/client';
import type { Accepted } from '../api/types';
import { apiWord } from '../i18n';
import { allTopics } from '../live/refresh';
import { withCommand } from '../ui/ActionDialog';
import { useProblems } from '../ui/Problems';

export interface Change {
	what: string;
	method?: 'POST' | 'PUT' | 'DELETE';
	url: string;
	body?: unknown;
	/** Go to the operation's page at once: for changes that one wants to watch. */
	follow?: boolean;
	/** What the answer holds besides its operation: a secret that is shown once. */
	onAccepted?: (accepted: Accepted | undefined) => void;
}

export interface Question {
	title: string;
	hint: string;
	danger?: boolean;
	/** The same on the command line. */
	command: string;
}

export function useChange(): (wanted: Change) => Promise<boolean> {
	const { t } = useTranslation();
	const { notification } = AntdApp.useApp();
	const { report } = useProblems();
	const client = useQueryClient();
	const navigate = useNavigate();
	return useCallback(
		async ({ what, method = 'POST', url, body, follow, onAccepted }) => {
			try {
				const accepted = await change<Accepted | undefined>(method, url, body);
				const operation = accepted?.operation;
				onAccepted?.(accepted);
				for (const topic of allTopics()) {
					void client.invalidateQueries({ queryKey: [topic] });
				}
				if (operation?.id && follow) {
					navigate(`/operations/${operation.id}`);
				} else if (operation?.id) {
					notification.success({
						key: operation.id,
						title: t('operations/started', { kind: apiWord('kind', operation.kind), target: operation.target }),
						description: <a href={`/operations/${operation.id}`} onClick={(event) => {
							event.preventDefault();
							notification.destroy(operation.id);
							navigate(`/operations/${operation.id}`);
						}}>{t('operations/open')}</a>,
						placement: 'bottomRight',
					});
				}
				return true;
			} catch (cause) {
				report(what, cause);
				return false;
			}
		},
		[client, navigate, notification, report, t],
	);
}

/** Asks first, then does it; the dialog stays busy until the platform has accepted or refused. */
export function useAskedChange(): (question: Question, wanted: Change) => void {
	const { modal } = AntdApp.useApp();
	const { t } = useTranslation();
	const send = useChange();
	return useCallback(
		(question, wanted) => {
			void modal.confirm({
				title: question.title,
				content: question.hint,
				okText: wanted.what,
				cancelText: t('common/cancel'),
				width: 480,
				footer: withCommand(question.command),
				okButtonProps: { danger: question.danger ?? false },
				autoFocusButton: question.danger ? 'cancel' : 'ok',
				onOk: () => send(wanted).then(() => undefined),
			});
		},
		[modal, send, t],
	);
}
