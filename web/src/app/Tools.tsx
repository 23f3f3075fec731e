// Header tools: the live lamp, language, colours, problems, account.
import { BellOutlined, BgColorsOutlined, TranslationOutlined, UserOutlined } from '@ant-design/icons';
import { Badge, Button, Dropdown, Tooltip } from 'antd';
import { useTranslation } from 'react-i18next';
import { switchLanguage } from '../i18n';
import { useLive } from '../live/LiveProvider';
import { useProblems } from '../ui/Problems';
import { type Choice, useAppearance } from './appearance';
import { useSession } from './session';

export function Lamp() {
	const { t } = useTranslation();
	const { state } = useLive();
	return (
		<Tooltip title={t(`live/${state}Hint`)}>
			<span className={`sot-lamp ${state}`} role="status" data-live={state} tabIndex={0}>
				<i aria-hidden="true" />
				{t(`live/${state}`)}
			</span>
		</Tooltip>
	);
}

export function LanguageButton() {
	const { t, i18n } = useTranslation();
	const chinese = i18n.language === 'zh-CN';
	return (
		<Button
			type="text"
			icon={<TranslationOutlined />}
			aria-label={t('header/language')}
			onClick={() => void switchLanguage(chinese ? 'en-US' : 'zh-CN')}
		>
			{chinese ? 'English' : '中文'}
		</Button>
	);
}

export function ThemeButton() {
	const { t } = useTranslation();
	const { choice, choose } = useAppearance();
	return (
		<Dropdown
			trigger={['click']}
			menu={{
				selectable: true,
				selectedKeys: [choice],
				onClick: ({ key }) => choose(key as Choice),
				items: [
					{ key: 'auto', label: t('header/themeAuto') },
					{ key: 'light', label: t('header/themeLight') },
					{ key: 'dark', label: t('header/themeDark') },
				],
			}}
		>
			<Button type="text" icon={<BgColorsOutlined />} aria-label={t('header/theme')} />
		</Dropdown>
	);
}

export function ProblemsButton() {
	const { t } = useTranslation();
	const { kept, show } = useProblems();
	return (
		<Badge count={kept.length} size="small" offset={[-6, 6]}>
			<Button
				type="text"
				icon={<BellOutlined />}
				onClick={show}
				aria-label={kept.length > 0 ? t('header/problemsCount', { count: kept.length }) : t('header/problems')}
			/>
		</Badge>
	);
}

export function AccountButton() {
	const { t } = useTranslation();
	const { me, signOut } = useSession();
	const { report } = useProblems();
	const leave = (): void => {
		signOut().catch((cause: unknown) => report(t('header/signOut'), cause));
	};
	return (
		<Dropdown
			trigger={['click']}
			menu={{
				onClick: leave,
				items: [
					{ key: 'who', label: t('header/signedInAs', { name: me?.name, role: me?.role }), disabled: true },
					{ type: 'divider' },
					{ key: 'signOut', label: t('header/signOut') },
				],
			}}
		>
			<Button type="text" icon={<UserOutlined />} aria-label={t('header/account')}>
				{me?.name}
			</Button>
		</Dropdown>
	);
}
