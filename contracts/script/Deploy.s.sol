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
    function startBroadcast(address signer) external;
    function stopBroadcast() external;
    function readCallers() external view returns (uint256 mode, address sender, address origin);
    function snapshotState() external returns (uint256 id);
    function revertToState(uint256 id) external returns (bool success);
    function etch(address target, bytes calldata code) external;
    function resetNonce(address account) external;
    function computeCreateAddress(address deployer, uint256 nonce) external pure returns (address);
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
/// CAPVAULT_PAYMASTER_DEPOSIT (wei; optional), CAPVAULT_USDC (left out only on chain 31337, which gets a sandbox USDC and a sandbox EURC) and
/// CAPVAULT_DEPLOY_BLOCK (the block that has the vault's creation, or an earlier one; needed only where the vault is there already and no file of that
/// time is).
/// CAPVAULT_SPONSOR is the paymaster's first sponsor key; replace it with setSigner. Another value here is another paymaster, and so
/// another factory and other accounts.
///
/// Without --broadcast it is a dry run: it prints what it would deploy, set and hand over, with every address, and sends nothing. With
/// --broadcast it does that, and writes `deployments/<chainId>.json`.
///
/// It refuses, before anything is sent, where an address holds other code than was compiled for it, or where treasury, sponsor or owner are
/// not the inputs'. A dry run after a deployment therefore verifies it.
/// @dev Every contract goes through the deterministic deployer: equal inputs and deployer give equal addresses on every chain, and a
/// second run reuses what the first one left.
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

    struct Contract {
        string name;
        address target;
        bytes32 salt;
        bytes initCode; // constructor arguments included
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
        vm.stopBroadcast();
        bool writes = vm.isContext(Vm.ForgeContext.ScriptBroadcast) || vm.isContext(Vm.ForgeContext.ScriptResume);
        uint256 since = writes ? _deployBlock(inputs) : 0;
        deployment = deploy(inputs);
        if (writes) {
            _write(inputs, deployment, since);
        } else {
            _print("Dry run: nothing is sent and no deployment is written. Add --broadcast to do it.");
        }
    }

    /// @notice Deploys what is missing, verifies all of it, enables the tokens and hands ownership over.
    function deploy(Inputs memory inputs) public returns (Deployment memory d) {
        _print(string.concat("Chain ", vm.toString(block.chainid), ", deployer ", vm.toString(inputs.deployer), ":"));
        Contract[] memory contracts;
        (d, contracts) = _plan(inputs);

        vm.startBroadcast(inputs.deployer);
        for (uint256 i = 0; i < contracts.length; ++i) {
            _deploy(contracts[i]);
        }
        vm.stopBroadcast();

        for (uint256 i = 0; i < contracts.length; ++i) {
            _verifyCode(contracts[i]);
        }
        _verifySettings(inputs, d);
        _print("Verified: the code at each address is what was compiled; treasury, sponsor and owners are the inputs'");

        vm.startBroadcast(inputs.deployer);
        _fillDeposit(d.paymaster, inputs.paymasterDeposit);
        _enableToken(CAPVault(d.vault), d.usdc, USDC_MIN_FEE_BPS, inputs.deployer);
        if (d.eurc != address(0)) _enableToken(CAPVault(d.vault), d.eurc, EURC_MIN_FEE_BPS, inputs.deployer);
        _handOver("CAPVault", Ownable2Step(d.vault), inputs);
        _handOver("CAPPaymaster", Ownable2Step(d.paymaster), inputs);
        vm.stopBroadcast();
    }

    /* CONTRACTS */

    /// @dev Every address follows from the inputs, so all are known before anything is deployed.
    function _plan(Inputs memory inputs) private view returns (Deployment memory d, Contract[] memory contracts) {
        bool sandbox = inputs.usdc == address(0);
        contracts = new Contract[](sandbox ? 8 : 4);
        contracts[0] = _contract(
            "EntryPoint", ENTRY_POINT_SALT, vm.parseJsonBytes(vm.readFile(ENTRY_POINT_ARTIFACT), ".bytecode")
        );
        contracts[1] = _contract(
            "CAPVault", 0, abi.encodePacked(type(CAPVault).creationCode, abi.encode(inputs.deployer, inputs.treasury))
        );
        contracts[2] = _contract(
            "CAPPaymaster",
            0,
            abi.encodePacked(type(CAPPaymaster).creationCode, abi.encode(inputs.deployer, inputs.sponsor))
        );
        (d.entryPoint, d.vault, d.paymaster) = (contracts[0].target, contracts[1].target, contracts[2].target);
        require(
            d.entryPoint == address(ERC4337Utils.ENTRYPOINT_V08),
            string.concat(
                "The EntryPoint artifact gives ", vm.toString(d.entryPoint), ", not the canonical v0.8 address"
            )
        );
        contracts[3] = _contract(
            "AgentAccountFactory",
            0,
            abi.encodePacked(type(AgentAccountFactory).creationCode, abi.encode(d.vault, d.paymaster))
        );
        d.accountFactory = contracts[3].target;
        d.accountImplementation = _createdBy(d.accountFactory);
        d.usdc = inputs.usdc;
        if (sandbox) {
            (contracts[4], contracts[5]) = _sandboxToken("USD Coin", "USDC", inputs.owner);
            (contracts[6], contracts[7]) = _sandboxToken("EURC", "EURC", inputs.owner);
            (d.usdc, d.eurc) = (contracts[5].target, contracts[7].target);
        }
        d.vaultIsNew = d.vault.code.length == 0;
    }

    function _sandboxToken(string memory name, string memory symbol, address minter)
        private
        pure
        returns (Contract memory implementation, Contract memory proxy)
    {
        implementation = _contract(
            string.concat(symbol, "'s implementation"),
            0,
            abi.encodePacked(type(SandboxToken).creationCode, abi.encode(name, symbol, minter))
        );
        proxy = _contract(
            symbol, 0, abi.encodePacked(type(SandboxTokenProxy).creationCode, abi.encode(implementation.target))
        );
    }

    function _contract(string memory name, bytes32 salt, bytes memory initCode) private pure returns (Contract memory) {
        return Contract(name, Create2.computeAddress(salt, keccak256(initCode), DETERMINISTIC_DEPLOYER), salt, initCode);
    }

    /// @dev A contract's first nonce is 1: what its constructor creates.
    function _createdBy(address creator) private pure returns (address) {
        return vm.computeCreateAddress(creator, 1);
    }

    function _deploy(Contract memory c) private {
        if (c.target.code.length != 0) {
            _print(string.concat(c.name, " ", vm.toString(c.target), " is there"));
            return;
        }
        require(
            DETERMINISTIC_DEPLOYER.code.length != 0,
            "No code at 0x4e59b44847b379578588920cA78FbF26c0B4956C: deploy the deterministic deployer on this chain first"
        );
        (bool success,) = DETERMINISTIC_DEPLOYER.call(abi.encodePacked(c.salt, c.initCode));
        require(success && c.target.code.length != 0, string.concat("The constructor of ", c.name, " reverted"));
        _print(string.concat("Deploy ", c.name, " at ", vm.toString(c.target)));
    }

    /* VERIFICATION */

    /// @dev The constructor runs again at its own address, so that immutables (arguments, chain, own address) must match too; then all that
    /// it did is undone.
    function _verifyCode(Contract memory c) private {
        address created = _createdBy(c.target);
        uint256 state = vm.snapshotState();
        vm.etch(created, "");
        vm.resetNonce(created);
        vm.etch(c.target, c.initCode);
        vm.resetNonce(c.target);
        (bool success, bytes memory code) = c.target.call("");
        require(success, string.concat("The constructor of ", c.name, " reverted"));
        bytes32 createdCode = keccak256(created.code);
        vm.revertToState(state);

        _checkCode(c.name, c.target, keccak256(code));
        _checkCode(string.concat("What ", c.name, " creates"), created, createdCode);
    }

    function _checkCode(string memory name, address target, bytes32 expected) private view {
        require(
            keccak256(target.code) == expected,
            string.concat(
                name,
                " ",
                vm.toString(target),
                ": found other code than what was compiled. Nothing was sent; do not use this address"
            )
        );
    }

    /// @dev What lies in storage. The addresses that contracts know of each other are immutables, and so part of their code.
    function _verifySettings(Inputs memory inputs, Deployment memory d) private view {
        _check("CAPVault's treasury", CAPVault(d.vault).treasury(), inputs.treasury);
        _check("CAPPaymaster's sponsor", CAPPaymaster(payable(d.paymaster)).signer(), inputs.sponsor);
        _checkOwner("CAPVault's owner", Ownable2Step(d.vault), inputs);
        _checkOwner("CAPPaymaster's owner", Ownable2Step(d.paymaster), inputs);
    }

    function _checkOwner(string memory name, Ownable2Step owned, Inputs memory inputs) private view {
        if (owned.owner() != inputs.deployer) _check(name, owned.owner(), inputs.owner);
    }

    function _check(string memory name, address found, address expected) private pure {
        require(
            found == expected,
            string.concat(
                name,
                ": found ",
                vm.toString(found),
                ", expected ",
                vm.toString(expected),
                ". Nothing was sent; its owner has changed it, or the inputs are another deployment's"
            )
        );
    }

    /* SETTINGS */

    /// @dev Straight to the EntryPoint: a transaction to the paymaster's address would leave its ETH there if the paymaster's own had failed.
    function _fillDeposit(address paymaster, uint256 wanted) private {
        uint256 found = ERC4337Utils.ENTRYPOINT_V08.balanceOf(paymaster);
        if (found >= wanted) return;
        ERC4337Utils.ENTRYPOINT_V08.depositTo{value: wanted - found}(paymaster);
        _print(string.concat("Fill the paymaster's deposit up to ", vm.toString(wanted), " wei"));
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
        _print(
            string.concat(
                "Enable token ", vm.toString(token), " with a minimum fee of ", vm.toString(wantedMinFeeBps), "/10000"
            )
        );
    }

    /// @dev Second step: the new owner calls acceptOwnership. A transfer to anybody else that waits is replaced.
    function _handOver(string memory name, Ownable2Step owned, Inputs memory inputs) private {
        address pending = inputs.owner == inputs.deployer ? address(0) : inputs.owner;
        if (owned.owner() != inputs.deployer || owned.pendingOwner() == pending) return;
        owned.transferOwnership(pending);
        _print(
            pending == address(0)
                ? string.concat("Take back the offer of ", name, "'s ownership")
                : string.concat(
                    "Offer ", name, "'s ownership to ", vm.toString(pending), ", who must then call acceptOwnership"
                )
        );
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

    function _write(Inputs memory inputs, Deployment memory d, uint256 deployBlock) private {
        string memory path = _path();
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

    function _path() private view returns (string memory) {
        return string.concat("deployments/", vm.toString(block.chainid), ".json");
    }

    /// @dev A relayer reads the chain from here on, so it must not lie behind the vault's creation. Anybody may have deployed the same vault before us: on
    /// a long chain, reading from 0 would take days.
    function _deployBlock(Inputs memory inputs) private view returns (uint256) {
        (Deployment memory d,) = _plan(inputs);
        // 0 in the file means that nobody knows; what is created now is not in the first block.
        if (d.vaultIsNew) return block.number == 0 ? 1 : block.number;
        uint256 given = vm.envOr("CAPVAULT_DEPLOY_BLOCK", uint256(0));
        require(
            given <= block.number,
            string.concat(
                "CAPVAULT_DEPLOY_BLOCK: found ",
                vm.toString(given),
                ", expected at most the newest block, ",
                vm.toString(block.number)
            )
        );
        if (given != 0) return given;
        string memory path = _path();
        if (vm.exists(path)) {
            string memory json = vm.readFile(path);
            uint256 said = vm.parseJsonUint(json, ".deployBlock");
            if (said != 0 && vm.parseJsonAddress(json, ".vault") == d.vault) return said;
        }
        require(
            block.chainid == SANDBOX_CHAIN,
            string.concat(
                "CAPVAULT_DEPLOY_BLOCK is not set: CAPVault ",
                vm.toString(d.vault),
                " is there already, and no file says since when; expected the number of the block that created it, or of an earlier one"
            )
        );
        return 0;
    }

    /// @dev Tests deploy with the script too; their output is theirs.
    function _print(string memory line) private view {
        if (!vm.isContext(Vm.ForgeContext.ScriptGroup)) return;
        (bool success,) = CONSOLE.staticcall(abi.encodeWithSignature("log(string)", line));
        success; // outside Foundry nobody listens
    }
}
