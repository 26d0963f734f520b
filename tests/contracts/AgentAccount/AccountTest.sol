// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IEntryPoint} from "@account-abstraction/contracts/interfaces/IEntryPoint.sol";
import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";
import {CAPVault} from "../../../contracts/CAPVault.sol";
import {AgentAccount} from "../../../contracts/account/AgentAccount.sol";
import {AgentAccountFactory} from "../../../contracts/account/AgentAccountFactory.sol";
import {Call, Step} from "../../../contracts/interfaces/IAgentAccount.sol";
import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {CAPPaymaster} from "../../../contracts/paymaster/CAPPaymaster.sol";
import {SandboxToken} from "../../../contracts/sandbox/SandboxToken.sol";
import {Deploy} from "../../../contracts/script/Deploy.s.sol";
import {Test} from "../Test.sol";
import {Vm} from "../Vm.sol";

/// @notice What the deployment script deploys (the published EntryPoint included), two agents' accounts with their keys and no ETH, and sponsored
/// operations through the EntryPoint.
abstract contract AccountTest is Test {
    uint256 internal constant START = 1_800_000_000;
    uint80 internal constant PRICE = 25_000_000; // 25 USDC
    bytes32 internal constant DELIVERABLE = keccak256("deliverable");
    bytes32 internal constant REASON = keccak256("reason");

    uint256 internal constant OWNER_KEY = 0x0111;
    uint256 internal constant REQUESTER_KEY = 0xA11CE; // Executor of the Requester's account
    uint256 internal constant PROVIDER_KEY = 0xB0B; // Executor of the Provider's account
    uint256 internal constant SPONSOR_KEY = 0x5905;
    uint256 internal constant STRANGER_KEY = 0x5712A;

    address internal immutable owner = vm.addr(OWNER_KEY); // of both accounts
    address internal immutable stranger = vm.addr(STRANGER_KEY);
    address internal immutable platform = vm.addr(0x91A7); // owns vault and paymaster
    address internal immutable treasury = vm.addr(0x7EA);
    address internal immutable bundler = vm.addr(0xB0D1);
    address payable internal immutable beneficiary = payable(vm.addr(0xFEE));

    IEntryPoint internal entryPoint;
    CAPVault internal vault;
    AgentAccountFactory internal factory;
    CAPPaymaster internal paymaster;
    SandboxToken internal usdc;
    SandboxToken internal eurc;
    AgentAccount internal requester;
    AgentAccount internal provider;

    function setUp() public virtual {
        vm.warp(START);
        vm.fee(1 gwei);
        vm.txGasPrice(1 gwei);
        etchDeterministicDeployer();
        // By artifact: the creation code of everything inside every test contract would make compiling slow.
        Deploy script = Deploy(vm.deployCode("Deploy.s.sol:Deploy", ""));
        vm.deal(address(script), 100 ether);
        Deploy.Deployment memory deployed = script.deploy(
            Deploy.Inputs({
                deployer: address(script),
                owner: platform,
                treasury: treasury,
                sponsor: vm.addr(SPONSOR_KEY),
                paymasterDeposit: 100 ether,
                usdc: address(0)
            })
        );
        entryPoint = IEntryPoint(deployed.entryPoint);
        vault = CAPVault(deployed.vault);
        factory = AgentAccountFactory(deployed.accountFactory);
        paymaster = CAPPaymaster(payable(deployed.paymaster));
        usdc = SandboxToken(deployed.usdc);
        eurc = SandboxToken(deployed.eurc);
        vm.prank(platform);
        vault.acceptOwnership();
        vm.prank(platform);
        paymaster.acceptOwnership();
        requester = newAccount(REQUESTER_KEY, 0);
        provider = newAccount(PROVIDER_KEY, 0);
        vm.label(address(requester), "requester");
        vm.label(address(provider), "provider");
        vm.label(address(usdc), "usdc");
        vm.label(address(eurc), "eurc");
    }

    /* ACCOUNTS */

    function etchDeterministicDeployer() internal {
        vm.etch(
            0x4e59b44847b379578588920cA78FbF26c0B4956C,
            hex"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
        );
    }

    /// @dev Its Executor may spend any USDC.
    function newAccount(uint256 executorKey, bytes32 salt) internal returns (AgentAccount account) {
        account = AgentAccount(payable(factory.createAccount(owner, vm.addr(executorKey), salt)));
        setLimits(account, address(usdc), type(uint80).max, type(uint80).max);
    }

    function setLimits(AgentAccount account, address token, uint80 perOrder, uint80 perDay) internal {
        vm.prank(owner);
        account.setLimits(token, perOrder, perDay);
    }

    function mint(AgentAccount account, uint256 amount) internal {
        vm.prank(platform);
        usdc.mint(address(account), amount);
    }

    /* ORDERS */

    function newOrder(uint64 salt) internal view returns (Order memory order) {
        order.requester = address(requester);
        order.provider = address(provider);
        order.token = address(usdc);
        order.amount = PRICE;
        order.feeBps = 1000;
        order.payDeadline = uint40(vm.getBlockTimestamp() + 1 days);
        order.slaSeconds = 1 hours;
        order.termsHash = keccak256("terms");
        order.salt = salt;
    }

    /// @dev The Executor's ERC-1271 signature for `account`.
    function consent(AgentAccount account, uint256 executorKey, Order memory order)
        internal
        view
        returns (bytes memory)
    {
        return abi.encode(order, sign(executorKey, account.consentHash(vault.hashOrder(order))));
    }

    /// @dev Anybody submits both consents.
    function create(Order memory order) internal {
        vault.createOrder(order, consent(requester, REQUESTER_KEY, order), consent(provider, PROVIDER_KEY, order));
    }

    function pay(Order memory order) internal {
        mint(requester, order.amount);
        vm.prank(vm.addr(REQUESTER_KEY));
        requester.executeOrderSteps(paySteps(order));
    }

    function assertPhase(Order memory order, Phase expected) internal view {
        (Phase phase,,,,) = vault.orderState(vault.hashOrder(order));
        vm.assertEq(uint256(phase), uint256(expected), "phase");
    }

    /* STEPS */

    function steps(address target, bytes memory data) internal pure returns (Step[] memory list) {
        list = new Step[](1);
        list[0] = Step(target, data);
    }

    function paySteps(Order memory order) internal view returns (Step[] memory list) {
        list = new Step[](2);
        list[0] = Step(order.token, abi.encodeCall(usdc.approve, (address(vault), order.amount)));
        list[1] = Step(address(vault), abi.encodeCall(ICAPVault.payOrder, (order)));
    }

    function createAndPaySteps(Order memory order) internal view returns (Step[] memory list) {
        list = paySteps(order);
        list[1].data = abi.encodeCall(ICAPVault.createAndPayOrder, (order, consent(provider, PROVIDER_KEY, order)));
    }

    function createSteps(Order memory order) internal view returns (Step[] memory) {
        return steps(
            address(vault), abi.encodeCall(ICAPVault.createOrder, (order, "", consent(provider, PROVIDER_KEY, order)))
        );
    }

    function deliverSteps(Order memory order) internal view returns (Step[] memory) {
        return steps(address(vault), abi.encodeCall(ICAPVault.deliverOrder, (order, DELIVERABLE)));
    }

    function rejectSteps(Order memory order) internal view returns (Step[] memory) {
        return steps(address(vault), abi.encodeCall(ICAPVault.rejectOrder, (order, REASON)));
    }

    function calls(address target, uint256 value, bytes memory data) internal pure returns (Call[] memory list) {
        list = new Call[](1);
        list[0] = Call(target, value, data);
    }

    /* OPERATIONS */

    /// @dev The nonce key of an order's operations.
    function lane(Order memory order) internal view returns (uint192) {
        return uint192(1 + uint256(vault.hashOrder(order)) % 64);
    }

    /// @dev Not yet sponsored or signed; limits that every step fits in.
    function newOp(AgentAccount account, uint192 key, bytes memory callData)
        internal
        view
        returns (PackedUserOperation memory op)
    {
        op.sender = address(account);
        op.nonce = entryPoint.getNonce(address(account), key);
        op.callData = callData;
        op.accountGasLimits = pack(300_000, 500_000); // verification, call
        op.preVerificationGas = 60_000;
        op.gasFees = pack(1 gwei, 2 gwei); // priority, max
    }

    function pack(uint128 high, uint128 low) internal pure returns (bytes32) {
        return bytes32(uint256(high) << 128 | low);
    }

    function sponsor(PackedUserOperation memory op) internal view {
        sponsor(op, uint48(START - 1), uint48(START + 600), SPONSOR_KEY);
    }

    function sponsor(PackedUserOperation memory op, uint48 validAfter, uint48 validUntil, uint256 key) internal view {
        sponsor(op, validAfter, validUntil, key, 100_000);
    }

    function sponsor(
        PackedUserOperation memory op,
        uint48 validAfter,
        uint48 validUntil,
        uint256 key,
        uint128 paymasterVerificationGasLimit
    ) internal view {
        bytes32 digest = sponsorHash(op, validAfter, validUntil, paymasterVerificationGasLimit);
        op.paymasterAndData = abi.encodePacked(
            paymaster, paymasterVerificationGasLimit, uint128(0), validAfter, validUntil, sign(key, digest)
        );
    }

    /// @dev Written out from the EIP-712 types that relayers sign, not taken from the paymaster. For `bundler`; no postOp gas.
    function sponsorHash(
        PackedUserOperation memory op,
        uint48 validAfter,
        uint48 validUntil,
        uint256 paymasterVerificationGasLimit
    ) internal view returns (bytes32) {
        bytes32 request = keccak256(
            abi.encode(
                keccak256(
                    "UserOperationRequest(address sender,uint256 nonce,bytes initCode,bytes callData,bytes32 accountGasLimits,uint256 preVerificationGas,bytes32 gasFees,uint256 paymasterVerificationGasLimit,uint256 paymasterPostOpGasLimit,uint48 validAfter,uint48 validUntil)"
                ),
                op.sender,
                op.nonce,
                keccak256(op.initCode),
                keccak256(op.callData),
                op.accountGasLimits,
                op.preVerificationGas,
                op.gasFees,
                paymasterVerificationGasLimit,
                uint256(0),
                validAfter,
                validUntil
            )
        );
        bytes32 domain = domainSeparator("CAPPaymaster", address(paymaster));
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("SponsoredOperation(address bundler,bytes32 request)"),
                bundler,
                typedDataHash(domain, request)
            )
        );
        return typedDataHash(domain, structHash);
    }

    function signOp(PackedUserOperation memory op, uint256 key) internal view {
        op.signature = sign(key, entryPoint.getUserOpHash(op));
    }

    /// @dev A sponsored operation of the Executor.
    function executorOp(AgentAccount account, uint256 key, uint192 nonceKey, Step[] memory list)
        internal
        view
        returns (PackedUserOperation memory op)
    {
        op = newOp(account, nonceKey, abi.encodeCall(AgentAccount.executeOrderSteps, (list)));
        sponsor(op);
        signOp(op, key);
    }

    /// @dev Bundles one operation; reverts as the EntryPoint does if validation fails.
    /// @return success Whether its execution succeeded.
    function handle(PackedUserOperation memory op) internal returns (bool success) {
        vm.recordLogs();
        send(op);
        (success,) = outcome();
    }

    function send(PackedUserOperation memory op) internal {
        PackedUserOperation[] memory ops = new PackedUserOperation[](1);
        ops[0] = op;
        vm.prank(bundler, bundler);
        entryPoint.handleOps(ops, beneficiary);
    }

    /// @dev Success and revert data of the recorded operation.
    function outcome() internal returns (bool success, bytes memory revertData) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == IEntryPoint.UserOperationRevertReason.selector) {
                (, revertData) = abi.decode(logs[i].data, (uint256, bytes));
            }
            if (logs[i].topics[0] == IEntryPoint.UserOperationEvent.selector) {
                (, success,,) = abi.decode(logs[i].data, (uint256, bool, uint256, uint256));
            }
        }
    }

    /* SIGNATURES */

    function sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function domainSeparator(string memory name, address verifyingContract) internal view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256("1"),
                block.chainid,
                verifyingContract
            )
        );
    }

    function typedDataHash(bytes32 separator, bytes32 structHash) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", separator, structHash));
    }
}
