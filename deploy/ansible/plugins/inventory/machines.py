# SPDX-License-Identifier: Apache-2.0
"""Machines of Sotalia as an inventory: groups by state, zone, rack and label."""
from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin

from ansible_collections.sotalia.cloud.plugins.module_utils.sotalia_api import Api, ApiError

DOCUMENTATION = """
name: machines
short_description: Machines of Sotalia
description: ["Groups: state_<state>, az_<zone>, rack_<rack>, label_<label>; all of them in `machines`."]
options:
  plugin: {description: Must be sotalia.cloud.machines., required: true, choices: [sotalia.cloud.machines]}
  url: {description: Address of the gateway., env: [{name: SOTALIA_URL}]}
  token: {description: A token with role viewer or more., env: [{name: SOTALIA_TOKEN}]}
  ca: {description: PEM file that the gateway's certificate is checked against., env: [{name: SOTALIA_CA}]}
  state: {description: "Only machines in this state.", type: str}
"""


class InventoryModule(BaseInventoryPlugin):
    NAME = "sotalia.cloud.machines"

    def verify_file(self, path):
        return super().verify_file(path) and path.endswith(("sotalia.yml", "sotalia.yaml"))

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            api = Api(self.get_option("url"), self.get_option("token"), self.get_option("ca"))
            machines = list(api.items("/v1/machines", state=self.get_option("state")))
        except ApiError as error:
            raise AnsibleParserError(f"machines of Sotalia: {error}") from error
        inventory.add_group("machines")
        for machine in machines:
            self._add(machine)

    def _add(self, machine):
        name = machine["name"]
        self.inventory.add_host(name, group="machines")
        for key, value in (("ansible_host", machine["address"]), ("ansible_port", machine["sshPort"]), ("ansible_user", machine["sshUser"]),
                           ("sotalia_az", machine["az"]), ("sotalia_rack", machine["rack"]), ("sotalia_labels", machine["labels"]),
                           ("sotalia_address", machine["address"]), ("sotalia_state", machine["state"])):
            self.inventory.set_variable(name, key, value)
        for group in [f"state_{machine['state']}", f"az_{machine['az']}", f"rack_{machine['rack']}"] + [f"label_{label}" for label in machine["labels"]]:
            group = self.inventory.add_group(group.replace("-", "_").replace(".", "_"))
            self.inventory.add_host(name, group=group)
