// A secret that the platform shows once and keeps only as a digest.
import { Button, Modal } from 'antd';
import { useTranslation } from 'react-i18next';
import { CopyButton } from './CopyButton';

export function SecretOnce({ title, secret, onClose }: { title: string; secret: string; onClose: () => void }) {
	const { t } = useTranslation();
	return (
		<Modal open title={title} closable={false} mask={{ closable: false }} keyboard={false} footer={<Button type="primary" onClick={onClose}>{t('settings/secretKept')}</Button>}>
			<div className="sot-gap">
				<span>{t('settings/secretHint')}</span>
				<pre className="sot-pre" data-secret>{secret}</pre>
				<CopyButton text={secret} label={t('settings/secretCopy')} />
			</div>
		</Modal>
	);
}
