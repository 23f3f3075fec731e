// The editor of the rules of elastic scaling: bounds, waits, and a line for each rule.
import { Button, Checkbox, Input, InputNumber, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { path } from '../api/client';
import type { App, Elastic, ElasticMetric, ElasticRule } from '../api/types';
import { useChange } from '../app/actions';
import { cleanRule, elasticCommand } from '../lib/elastic';
import { ActionDialog } from '../ui/ActionDialog';

const METRICS: ElasticMetric[] = ['cpu', 'memory', 'custom', 'schedule'];
const NUMBERS = ['min', 'max', 'upStep', 'downStep', 'upCooldownSeconds', 'downCooldownSeconds', 'stableSeconds', 'tolerancePercent'] as const;
type Policy = Pick<Elastic, (typeof NUMBERS)[number] | 'group' | 'enabled' | 'dryRun' | 'rules'>;

function start(app: App, group: string, now: Elastic | null): Policy {
	const fresh: Policy = { group, enabled: true, dryRun: false, min: Math.max(1, app.wanted), max: Math.max(2, app.wanted * 3), upStep: 0, downStep: 0, upCooldownSeconds: 30, downCooldownSeconds: 60, stableSeconds: 300, tolerancePercent: 10, rules: [{ name: 'cpu', metric: 'cpu', target: 50, windowSeconds: 60 }] };
	if (!now) {
		return fresh;
	}
	const { enabled, dryRun, min, max, upStep, downStep, upCooldownSeconds, downCooldownSeconds, stableSeconds, tolerancePercent, rules } = now;
	return { group, enabled, dryRun, min, max, upStep, downStep, upCooldownSeconds, downCooldownSeconds, stableSeconds, tolerancePercent, rules };
}

function RuleFields({ rule, onChange }: { rule: ElasticRule; onChange: (next: ElasticRule) => void }) {
	const { t } = useTranslation();
	const put = (some: Partial<ElasticRule>): void => onChange({ ...rule, ...some });
	const number = (name: 'target' | 'windowSeconds' | 'forSeconds' | 'count', fallback: number) => (
		<InputNumber key={name} min={1} precision={0} aria-label={t(`elastic/${name}`)} addonBefore={t(`elastic/${name}`)} value={rule[name] ?? fallback} onChange={(value) => put({ [name]: value ?? fallback })} />
	);
	const text = (name: 'value' | 'cron' | 'zone', placeholder: string) => (
		<Input key={name} aria-label={t(`elastic/${name}`)} placeholder={placeholder} value={rule[name] ?? ''} onChange={(event) => put({ [name]: event.target.value })} />
	);
	if (rule.metric === 'schedule') {
		return <>{text('cron', '0 8 * * mon-fri')}{text('zone', 'Asia/Shanghai')}{number('forSeconds', 3600)}{number('count', 1)}</>;
	}
	return (
		<>
			{rule.metric === 'custom' && text('value', 'queue')}
			{rule.metric === 'custom' && (
				<Select aria-label={t('elastic/sum')} value={rule.sum ?? 'average'} onChange={(sum) => put({ sum })} options={(['average', 'sum'] as const).map((value) => ({ value, label: t(`elastic/${value}`) }))} />
			)}
			{number('target', 50)}
			{number('windowSeconds', 60)}
		</>
	);
}

export function ElasticEditor({ app, group, now, onClose }: { app: App; group: string; now: Elastic | null; onClose: () => void }) {
	const { t } = useTranslation();
	const send = useChange();
	const [policy, setPolicy] = useState(() => start(app, group, now));
	const [busy, setBusy] = useState(false);
	const put = (some: Partial<Policy>): void => setPolicy({ ...policy, ...some });
	const putRule = (at: number, rule: ElasticRule): void => put({ rules: policy.rules.map((one, index) => (index === at ? rule : one)) });
	const save = async (): Promise<void> => {
		setBusy(true);
		const done = await send({ what: t('elastic/edit'), method: 'PUT', url: path('apps', app.name, 'elastic'), body: { ...policy, rules: policy.rules.map(cleanRule) } });
		setBusy(false);
		if (done) {
			onClose();
		}
	};
	return (
		<ActionDialog title={t('elastic/edit')} submit={t('elastic/save')} command={elasticCommand(app.name, policy)} busy={busy} onSubmit={() => void save()} onClose={onClose} width={760}>
			<div className="sot-gap">
				<span className="sot-muted">{t('elastic/editHint')}</span>
				<div className="sot-elastic-numbers">
					{NUMBERS.map((name) => (
						<label key={name} className="sot-stack">
							{t(`elastic/${name}`)}
							<InputNumber className="sot-wide" min={name === 'min' || name === 'max' ? 1 : 0} precision={0} value={policy[name]} onChange={(value) => put({ [name]: value ?? 0 })} />
						</label>
					))}
				</div>
				{policy.rules.map((rule, index) => (
					<div key={index} className="sot-elastic-rule">
						<Input aria-label={t('field/name')} placeholder={t('field/name')} value={rule.name} onChange={(event) => putRule(index, { ...rule, name: event.target.value })} />
						<Select aria-label={t('elastic/metric')} value={rule.metric} onChange={(metric) => putRule(index, { ...rule, metric })} options={METRICS.map((value) => ({ value, label: t(`elastic/metrics/${value}`) }))} />
						<RuleFields rule={rule} onChange={(next) => putRule(index, next)} />
						<Button disabled={policy.rules.length === 1} onClick={() => put({ rules: policy.rules.filter((_, at) => at !== index) })}>{t('elastic/remove')}</Button>
					</div>
				))}
				<div className="sot-row">
					<Button disabled={policy.rules.length >= 16} onClick={() => put({ rules: [...policy.rules, { name: `rule-${policy.rules.length + 1}`, metric: 'memory', target: 70, windowSeconds: 60 }] })}>{t('elastic/add')}</Button>
					<Checkbox checked={policy.enabled} onChange={(event) => put({ enabled: event.target.checked })}>{t('elastic/enabled')}</Checkbox>
					<Checkbox checked={policy.dryRun} onChange={(event) => put({ dryRun: event.target.checked })}>{t('elastic/dryRun')}</Checkbox>
				</div>
			</div>
		</ActionDialog>
	);
}
