// A new app in one form; the same as `sotalia app create`.
import { MinusCircleOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Drawer, Form, Input, InputNumber, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useImages, useNewAppForecast, usePlans, usePools, useVlans } from '../api/queries';
import { useChange } from '../app/actions';
import { formatBytes, formatCores } from '../lib/format';
import { APP_NAME, type Entered, forecastBody, newAppCommand, newAppFrom, vlanChoices } from '../lib/model';
import { useSettled } from '../lib/useSettled';
import { CopyButton } from '../ui/CopyButton';
import { ForecastView } from '../ui/Forecast';
import { Panel } from '../ui/Page';

function HealthFields({ kind }: { kind: Entered['healthKind'] | undefined }) {
	const { t } = useTranslation();
	const needed = [{ required: true, message: t('create/needed') }];
	return (
		<div className="sot-grid">
			<Form.Item className="sot-c6" name="healthKind" label={t('create/healthKind')}>
				<Select options={[{ value: 'http', label: t('create/healthHttp') }, { value: 'tcp', label: t('create/healthTcp') }, { value: 'command', label: t('create/healthCommand') }, { value: 'none', label: t('create/healthNone') }]} />
			</Form.Item>
			{(kind === 'http' || kind === 'tcp') && (
				<Form.Item className="sot-c3" name="port" label={t('create/port')} rules={needed}>
					<InputNumber className="sot-wide" min={1} max={65535} precision={0} />
				</Form.Item>
			)}
			{kind === 'http' && (
				<Form.Item className="sot-c3" name="path" label={t('create/path')} rules={[{ pattern: /^\//, message: t('create/nameBad') }]}>
					<Input />
				</Form.Item>
			)}
			{kind === 'command' && (
				<Form.Item className="sot-c6" name="healthCommand" label={t('create/checkCommand')} rules={needed}>
					<Input className="sot-mono" />
				</Form.Item>
			)}
			{kind !== 'none' && (
				<Form.Item className="sot-c12" name="restartAfter" label={t('create/restartAfter')} extra={t('create/restartAfterHint')}>
					<InputNumber min={0} max={100} precision={0} placeholder={t('create/restartNever')} />
				</Form.Item>
			)}
		</div>
	);
}

function EnvironmentFields() {
	const { t } = useTranslation();
	return (
		<Form.Item label={t('create/env')}>
			<Form.List name="env">
				{(fields, { add, remove }) => (
					<div className="sot-stack">
						{fields.map((field) => (
							<div className="sot-row" key={field.key}>
								<Form.Item noStyle name={[field.name, 'name']} rules={[{ required: true, pattern: /^[A-Za-z_][A-Za-z0-9_]*$/, message: t('create/nameBad') }]}>
									<Input className="sot-mono" placeholder="NAME" aria-label={t('create/envName')} />
								</Form.Item>
								<Form.Item noStyle name={[field.name, 'value']}>
									<Input className="sot-mono" placeholder={t('create/value')} aria-label={t('create/value')} />
								</Form.Item>
								<Button type="text" icon={<MinusCircleOutlined />} aria-label={t('create/envRemove')} onClick={() => remove(field.name)} />
							</div>
						))}
						<Button type="dashed" icon={<PlusOutlined />} onClick={() => add()}>
							{t('create/envAdd')}
						</Button>
					</div>
				)}
			</Form.List>
		</Form.Item>
	);
}

/** Where the instances would go, before anything is changed. */
function PlacementPreview({ entered }: { entered: Entered | undefined }) {
	const { t } = useTranslation();
	const body = JSON.stringify(forecastBody(entered));
	const asked = JSON.parse(useSettled(body)) as ReturnType<typeof forecastBody>;
	const { data, error, isFetching } = useNewAppForecast(asked);
	return (
		<Panel title={t('create/preview')}>
			{asked === null ? <span className="sot-muted">{t('create/previewHint')}</span> : <ForecastView forecast={data} error={error} busy={isFetching} />}
		</Panel>
	);
}

export function CreateAppDrawer({ open, onClose }: { open: boolean; onClose: () => void }) {
	const { t } = useTranslation();
	const [form] = Form.useForm<Entered>();
	const entered = Form.useWatch([], form) as Entered | undefined;
	const [busy, setBusy] = useState(false);
	const images = useImages();
	const plans = usePlans();
	const vlans = useVlans();
	const pools = usePools();
	const send = useChange();
	const needed = [{ required: true, message: t('create/needed') }];
	const submit = async (values: Entered): Promise<void> => {
		setBusy(true);
		const accepted = await send({ what: t('create/title'), url: '/v1/apps', body: newAppFrom(values), follow: true });
		setBusy(false);
		if (accepted) {
			form.resetFields();
		}
	};
	return (
		<Drawer
			title={t('create/title')}
			open={open}
			onClose={onClose}
			size={640}
			footer={
				<div className="sot-row">
					<Button type="primary" loading={busy} onClick={form.submit}>
						{t('create/submit')}
					</Button>
					<Button onClick={onClose}>{t('common/cancel')}</Button>
					<CopyButton cli size="middle" text={newAppCommand(entered)} />
				</div>
			}
		>
			<Form<Entered> form={form} layout="vertical" initialValues={{ count: 2, healthKind: 'http', port: 8080, path: '/', plan: 'small' }} onFinish={(values) => void submit(values)}>
				<Form.Item name="name" label={t('field/name')} extra={t('create/nameHint')} rules={[{ required: true, pattern: APP_NAME, message: t('create/nameBad') }]}>
					<Input autoComplete="off" />
				</Form.Item>
				<div className="sot-grid">
					<Form.Item className="sot-c6" name="image" label={t('field/image')} rules={needed}>
						<Select showSearch placeholder={t('create/chooseImage')} options={images.items.map((image) => ({ value: image.name, label: image.name }))} />
					</Form.Item>
					<Form.Item className="sot-c6" name="vlan" label={t('field/vlan')} rules={needed}>
						<Select showSearch placeholder={t('create/chooseVlan')} options={vlanChoices(vlans.items, pools.items)} />
					</Form.Item>
					<Form.Item className="sot-c8" name="plan" label={t('field/plan')} rules={needed}>
						<Select placeholder={t('create/choosePlan')} options={plans.items.map((plan) => ({ value: plan.name, label: t('create/planLabel', { name: plan.name, cpu: formatCores(plan.cpuMilli), memory: formatBytes(plan.memoryBytes), disk: formatBytes(plan.diskBytes) }) }))} />
					</Form.Item>
					<Form.Item className="sot-c4" name="count" label={t('field/count')} rules={needed}>
						<InputNumber className="sot-wide" min={0} max={10000} precision={0} />
					</Form.Item>
				</div>
				<Form.Item name="command" label={t('field/command')} extra={t('create/commandHint')}>
					<Input className="sot-mono" />
				</Form.Item>
				<HealthFields kind={entered?.healthKind} />
				<EnvironmentFields />
				<PlacementPreview entered={entered} />
			</Form>
		</Drawer>
	);
}
