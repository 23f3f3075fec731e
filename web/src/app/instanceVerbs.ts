// What one may do with an instance: asked first, in the same words everywhere.
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { path } from '../api/client';
import { cliCommand } from '../lib/cli';
import { useAskedChange } from './actions';

export type InstanceVerb = 'start' | 'stop' | 'restart' | 'freeze' | 'unfreeze' | 'rebuild' | 'retire';

export function useInstanceVerb(name: string): (verb: InstanceVerb) => void {
	const { t } = useTranslation();
	const ask = useAskedChange();
	return useCallback(
		(verb) =>
			ask(
				{ title: t(`instances/${verb}Ask`, { name }), hint: t(`instances/${verb}Hint`), danger: verb === 'retire' || verb === 'stop', command: cliCommand('instance', verb, name) },
				{ what: t(`instances/${verb}`), url: path('instances', name, verb) },
			),
		[ask, name, t],
	);
}
