// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// A script is read at a terminal: its errors are sentences. Vm and vm are Foundry's names.
/* solhint-disable gas-custom-errors, interface-starts-with-i, const-name-snakecase */

import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ERC4337Utils} from "@openzeppelin/contracts/account/utils/ERC4337Utils.sol";
import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {CAPVault} from "../CAPVault.sol";
import {AgentAccountFactory} from "../account/AgentAccountFactory.sol";
import {CAPPaymaster} from "../paymaster/CAPPaymaster.sol";
import {SandboxToken} from "../sandbox/SandboxToken.sol";
import {SandboxTokenProxy} from "../sandbox/SandboxTokenProxy.sol";

/// @dev The cheatcodes of Foundry that the script uses.
interface Vm {
    enum ForgeContext {
        TestGroup,
        Test,
        Coverage,
        Snapshot,
        ScriptGroup,
        ScriptDryRun,
        ScriptBroadcast,
        ScriptResume
    }

    function startBroadcast() external;
    function stopBroadcast() external;
    function readCallers() external view returns (uint256 mode, address sender, address origin);
    function isContext(ForgeContext context) external view returns (bool);
    function envOr(string calldata name, address fallbackValue) external view returns (address);
    function envOr(string calldata name, uint256 fallbackValue) external view returns (uint256);
    function exists(string calldata path) external view returns (bool);
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function serializeAddress(string calldata object, string calldata key, address value)
        external
        returns (string memory json);
    function serializeUint(string calldata object, string calldata key, uint256 value)
        external
        returns (string memory json);
    function writeJson(string calldata json, string calldata path) external;
    function toString(address value) external pure returns (string memory);
    function toString(uint256 value) external pure returns (string memory);
}

/// @title Deploys everything to one chain, or finds what is already there
/// @notice Inputs come from the environment: CAPVAULT_OWNER, CAPVAULT_TREASURY, CAPVAULT_SPONSOR (the paymaster's sponsor key),
/// CAPVAULT_PAYMASTER_DEPOSIT (wei; optional) and CAPVAULT_USDC (left out only on chain 31337, which gets a sandbox USDC and a sandbox EURC).
/// CAPVAULT_SPONSOR is the paymaster's first sponsor key; replace it with setSigner. Another value here is another paymaster, and so
/// another factory and other accounts.
/// Output: `deployments/<chainId>.json`, written only with --broadcast.
/// @dev Every contract goes through the deterministic deployer: equal inputs and deployer give equal addresses on every chain, and a
/// second run reuses what the first one left. The file is written before the transactions are sent: check the code at its addresses.
contract Deploy {
    struct Inputs {
        address deployer; // pays, and is the first owner: setToken is an owner's call
        address owner;
        address treasury;
        address sponsor;
        uint256 paymasterDeposit; // wei
        address usdc; // 0 = sandbox tokens
    }

    struct Deployment {
        address entryPoint;
        address vault;
        address accountFactory;
        address accountImplementation;
        address paymaster;
        address usdc;
        address eurc; // 0 where there are no sandbox tokens
        bool vaultIsNew;
    }

    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    address private constant CONSOLE = 0x000000000000000000636F6e736F6c652e6c6f67;

    /// @dev https://github.com/Arachnid/deterministic-deployment-proxy
    address private constant DETERMINISTIC_DEPLOYER = 0x4e59b44847b379578588920cA78FbF26c0B4956C;
    /// @dev Gives the EntryPoint its canonical address.
    bytes32 private constant ENTRY_POINT_SALT = 0x0a59dbff790c23c976a548690c27297883cc66b4c67024f9117b0238995e35e9;
    string private constant ENTRY_POINT_ARTIFACT =
        "node_modules/@account-abstraction/contracts/artifacts/EntryPoint.json";

    uint256 private constant SANDBOX_CHAIN = 31_337;
    uint16 private constant USDC_MIN_FEE_BPS = 1000;
    uint16 private constant EURC_MIN_FEE_BPS = 100;

    /// @notice Reads the inputs, deploys, and writes the file.
    function run() external returns (Deployment memory deployment) {
        Inputs memory inputs = _readInputs();
        vm.startBroadcast();
        (, inputs.deployer,) = vm.readCallers();
        deployment = deploy(inputs);
        vm.stopBroadcast();
        if (vm.isContext(Vm.ForgeContext.ScriptBroadcast) || vm.isContext(Vm.ForgeContext.ScriptResume)) {
            _write(inputs, deployment);
        }
    }

    /// @notice Deploys what is missing, enables the token and hands ownership over.
    function deploy(Inputs memory inputs) public returns (Deployment memory d) {
        d.entryPoint = _deployEntryPoint();
        (d.vault, d.vaultIsNew) = _deploy(
            "CAPVault", 0, abi.encodePacked(type(CAPVault).creationCode, abi.encode(inputs.deployer, inputs.treasury))
        );
        (d.paymaster,) = _deploy(
            "CAPPaymaster",
            0,
            abi.encodePacked(type(CAPPaymaster).creationCode, abi.encode(inputs.deployer, inputs.sponsor))
        );
        (d.accountFactory,) = _deploy(
            "AgentAccountFactory",
            0,
            abi.encodePacked(type(AgentAccountFactory).creationCode, abi.encode(d.vault, d.paymaster))
        );
        d.accountImplementation = AgentAccountFactory(d.accountFactory).implementation();
        d.usdc = inputs.usdc;
        if (inputs.usdc == address(0)) {
            d.usdc = _deploySandboxToken("USD Coin", "USDC", inputs.owner);
            d.eurc = _deploySandboxToken("EURC", "EURC", inputs.owner);
        }

        _fillDeposit(CAPPaymaster(payable(d.paymaster)), inputs.paymasterDeposit);
        _enableToken(CAPVault(d.vault), d.usdc, USDC_MIN_FEE_BPS, inputs.deployer);
        if (d.eurc != address(0)) _enableToken(CAPVault(d.vault), d.eurc, EURC_MIN_FEE_BPS, inputs.deployer);
        if (inputs.owner != inputs.deployer) {
            _handOver(Ownable2Step(d.vault), inputs);
            _handOver(Ownable2Step(d.paymaster), inputs);
        }
    }

    /* CONTRACTS */

    function _deployEntryPoint() private returns (address entryPoint) {
        bytes memory initCode = vm.parseJsonBytes(vm.readFile(ENTRY_POINT_ARTIFACT), ".bytecode");
        (entryPoint,) = _deploy("EntryPoint", ENTRY_POINT_SALT, initCode);
        require(
            entryPoint == address(ERC4337Utils.ENTRYPOINT_V08),
            string.concat("The EntryPoint artifact gives ", vm.toString(entryPoint), ", not the canonical v0.8 address")
        );
    }

    function _deploySandboxToken(string memory name, string memory symbol, address minter)
        private
        returns (address token)
    {
        (address implementation,) = _deploy(
            string.concat(symbol, "'s implementation"),
            0,
            abi.encodePacked(type(SandboxToken).creationCode, abi.encode(name, symbol, minter))
        );
        (token,) =
            _deploy(symbol, 0, abi.encodePacked(type(SandboxTokenProxy).creationCode, abi.encode(implementation)));
    }

    function _deploy(string memory name, bytes32 salt, bytes memory initCode)
        private
        returns (address deployed, bool isNew)
    {
        deployed = Create2.computeAddress(salt, keccak256(initCode), DETERMINISTIC_DEPLOYER);
        isNew = deployed.code.length == 0;
        if (isNew) {
            require(
                DETERMINISTIC_DEPLOYER.code.length != 0,
                "No code at 0x4e59b44847b379578588920cA78FbF26c0B4956C: deploy the deterministic deployer on this chain first"
            );
            (bool success,) = DETERMINISTIC_DEPLOYER.call(abi.encodePacked(salt, initCode));
            require(success && deployed.code.length != 0, string.concat("The constructor of ", name, " reverted"));
        }
        _print(string.concat(name, " ", vm.toString(deployed), isNew ? " (new)" : " (was there)"));
    }

    /* SETTINGS */

    function _fillDeposit(CAPPaymaster paymaster, uint256 wanted) private {
        uint256 found = ERC4337Utils.ENTRYPOINT_V08.balanceOf(address(paymaster));
        if (found >= wanted) return;
        paymaster.deposit{value: wanted - found}();
        _print(string.concat("Paymaster's deposit filled up to ", vm.toString(wanted), " wei"));
    }

    /// @dev What the owner has set stays. A token that is disabled with minimum fee 0 looks like one that was never set, and is enabled.
    function _enableToken(CAPVault vault, address token, uint16 wantedMinFeeBps, address deployer) private {
        (bool enabled, uint16 minFeeBps,) = vault.tokenConfig(token);
        if (enabled || minFeeBps != 0) {
            _print(
                string.concat(
                    "Token ",
                    vm.toString(token),
                    enabled ? " is enabled" : " is disabled",
                    " with a minimum fee of ",
                    vm.toString(minFeeBps),
                    "/10000: left as it is"
                )
            );
            return;
        }
        require(
            vault.owner() == deployer,
            string.concat("Token ", vm.toString(token), " is not enabled: the vault's owner must call setToken")
        );
        vault.setToken(token, true, wantedMinFeeBps);
        _print(string.concat("Token ", vm.toString(token), " enabled"));
    }

    /// @dev Second step: the new owner calls acceptOwnership.
    function _handOver(Ownable2Step target, Inputs memory inputs) private {
        if (target.owner() != inputs.deployer || target.pendingOwner() == inputs.owner) return;
        target.transferOwnership(inputs.owner);
        _print(string.concat(vm.toString(inputs.owner), " must call acceptOwnership on ", vm.toString(address(target))));
    }

    /* INPUT AND OUTPUT */

    function _readInputs() private view returns (Inputs memory inputs) {
        inputs.owner = _required("CAPVAULT_OWNER", "owner of vault and paymaster");
        inputs.treasury = _required("CAPVAULT_TREASURY", "receives the platform fees");
        inputs.sponsor = _required("CAPVAULT_SPONSOR", "address of the relayer's sponsor key");
        inputs.paymasterDeposit = vm.envOr("CAPVAULT_PAYMASTER_DEPOSIT", uint256(0));
        inputs.usdc = vm.envOr("CAPVAULT_USDC", address(0));
        if (inputs.usdc == address(0)) {
            require(
                block.chainid == SANDBOX_CHAIN,
                string.concat(
                    "CAPVAULT_USDC is not set: chain ",
                    vm.toString(block.chainid),
                    " needs its USDC's address; only chain 31337 gets sandbox tokens"
                )
            );
        } else {
            require(
                inputs.usdc.code.length != 0,
                string.concat("CAPVAULT_USDC: there is no contract at ", vm.toString(inputs.usdc), " on this chain")
            );
        }
    }

    function _required(string memory name, string memory meaning) private view returns (address value) {
        value = vm.envOr(name, address(0));
        require(
            value != address(0),
            string.concat(name, " is not set: expected an address (", meaning, "), found nothing or 0")
        );
    }

    function _write(Inputs memory inputs, Deployment memory d) private {
        string memory path = string.concat("deployments/", vm.toString(block.chainid), ".json");
        uint256 deployBlock = d.vaultIsNew ? block.number : _earlierBlock(path, d.vault);
        vm.serializeUint("deployment", "chainId", block.chainid);
        vm.serializeUint("deployment", "deployBlock", deployBlock);
        vm.serializeAddress("deployment", "entryPoint", d.entryPoint);
        vm.serializeAddress("deployment", "vault", d.vault);
        vm.serializeAddress("deployment", "accountFactory", d.accountFactory);
        vm.serializeAddress("deployment", "accountImplementation", d.accountImplementation);
        vm.serializeAddress("deployment", "paymaster", d.paymaster);
        vm.serializeAddress("deployment", "usdc", d.usdc);
        if (d.eurc != address(0)) vm.serializeAddress("deployment", "eurc", d.eurc);
        vm.serializeAddress("deployment", "treasury", CAPVault(d.vault).treasury());
        vm.writeJson(vm.serializeAddress("deployment", "owner", inputs.owner), path);
        _print(string.concat("Written to ", path));
    }

    /// @dev An indexer starts at deployBlock, so it must not lie behind the vault's creation: 0 where the file of that time is gone.
    function _earlierBlock(string memory path, address vault) private view returns (uint256) {
        if (!vm.exists(path)) return 0;
        string memory json = vm.readFile(path);
        return vm.parseJsonAddress(json, ".vault") == vault ? vm.parseJsonUint(json, ".deployBlock") : 0;
    }

    function _print(string memory line) private view {
        (bool success,) = CONSOLE.staticcall(abi.encodeWithSignature("log(string)", line));
        success; // outside Foundry nobody listens
    }
}
