// A dialog that changes something: beside its buttons always stands the command that says the same. Every such dialog is made
// here, so that none can be without (ActionDialog.test.ts).
import { Modal, type ModalProps } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from './CopyButton';

/** The buttons of a dialog, the command first. */
export function withCommand(command: string) {
	return function footer(_: ReactNode, { OkBtn, CancelBtn }: { OkBtn: React.FC; CancelBtn: React.FC }): ReactNode {
		return (
			<div className="sot-row sot-dialog-foot">
				<CopyButton cli size="middle" text={command} />
				<CancelBtn />
				<OkBtn />
			</div>
		);
	};
}

interface Props extends Pick<ModalProps, 'title' | 'width' | 'okButtonProps'> {
	submit: string;
	command: string;
	busy?: boolean;
	onSubmit: () => void;
	onClose: () => void;
	children: ReactNode;
}

export function ActionDialog({ submit, command, busy, onSubmit, onClose, children, ...rest }: Props) {
	const { t } = useTranslation();
	return (
		<Modal open okText={submit} cancelText={t('common/cancel')} confirmLoading={busy ?? false} onOk={onSubmit} onCancel={onClose} footer={withCommand(command)} {...rest}>
			{children}
		</Modal>
	);
}
