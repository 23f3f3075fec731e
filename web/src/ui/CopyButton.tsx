// Copies a text and says so. "Copy as CLI" stands beside the main actions.
import { CheckOutlined, CodeOutlined, CopyOutlined } from '@ant-design/icons';
import { Button, Tooltip } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

interface Props {
	text: string;
	label?: string;
	cli?: boolean;
	size?: 'small' | 'middle';
	bare?: boolean;
}

export function CopyButton({ text, label, cli = false, size = 'small', bare = false }: Props) {
	const { t } = useTranslation();
	const [copied, setCopied] = useState(false);
	useEffect(() => {
		if (!copied) {
			return undefined;
		}
		const timer = window.setTimeout(() => setCopied(false), 1_500);
		return () => window.clearTimeout(timer);
	}, [copied]);
	const name = label ?? (cli ? t('common/copyCli') : t('common/copy'));
	const copy = (): void => {
		navigator.clipboard?.writeText(text).then(
			() => setCopied(true),
			() => window.prompt(name, text),
		);
	};
	return (
		<Tooltip title={copied ? t('common/copied') : <span className="sot-mono">{text}</span>}>
			<Button
				size={size}
				type={bare ? 'text' : 'default'}
				icon={copied ? <CheckOutlined /> : cli ? <CodeOutlined /> : <CopyOutlined />}
				onClick={copy}
				data-key={cli ? 'y' : undefined}
				aria-label={`${name}: ${text}`}
			>
				{bare ? null : name}
			</Button>
		</Tooltip>
	);
}
