// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {MockToken} from "../mocks/MockToken.sol";
import {Test} from "../Test.sol";
import {Vm} from "../Vm.sol";
import {IVault} from "./IVault.sol";

/// @notice A vault with one token, all whom terms can name, and the ways to bring an order into each phase.
abstract contract VaultTest is Test {
    uint256 internal constant START = 1_800_000_000;
    uint16 internal constant MIN_FEE_BPS = 10;
    bytes32 internal constant DELIVERABLE = keccak256("deliverable");
    bytes32 internal constant REASON = keccak256("reason");

    uint256 internal constant REQUESTER_KEY = 0xA11CE;
    uint256 internal constant PROVIDER_KEY = 0xB0B;
    address internal immutable requester = vm.addr(REQUESTER_KEY);
    address internal immutable provider = vm.addr(PROVIDER_KEY);
    address internal immutable arbiter = vm.addr(0xA2B1);
    address internal immutable approver = vm.addr(0xA992);
    address internal immutable commissionTo = vm.addr(0xC0);
    address internal immutable owner = vm.addr(0x0123);
    address internal immutable treasury = vm.addr(0x7EA);
    address internal immutable stranger = vm.addr(0x5712A);

    /// @dev Who has what of the token: `held` is what the vault holds beyond fees and commissions.
    struct Holdings {
        uint256 held;
        uint256 toProvider;
        uint256 toRequester;
        uint256 fee;
        uint256 commission;
    }

    IVault internal vault;
    MockToken internal token;

    function setUp() public virtual {
        vm.warp(START);
        vault = deployVault(owner, treasury);
        token = new MockToken();
        vm.prank(owner);
        vault.setToken(address(token), true, MIN_FEE_BPS);
        vm.label(requester, "requester");
        vm.label(provider, "provider");
        vm.label(arbiter, "arbiter");
        vm.label(approver, "approver");
        vm.label(commissionTo, "commissionTo");
        vm.label(owner, "owner");
        vm.label(treasury, "treasury");
        vm.label(stranger, "stranger");
    }

    /// @dev From the artifact: `new` would compile the vault again into each test contract, and those by the slow pipeline.
    function deployVault(address initialOwner, address initialTreasury) internal returns (IVault) {
        return IVault(vm.deployCode("CAPVault.sol:CAPVault", abi.encode(initialOwner, initialTreasury)));
    }

    /* ORDERS */

    /// @dev Any order of default terms that may be created now: `seed` with each member brought into its allowed range.
    function validOrder(Order memory seed) internal view returns (Order memory) {
        return _order(seed, false, false, false);
    }

    /// @dev Any order that may be created now: the salt's highest bits choose whether the terms name an Arbiter, an Approver and a
    /// second payee.
    function anyOrder(Order memory seed) internal view returns (Order memory) {
        return _order(seed, _bit(seed, 63), _bit(seed, 62), _bit(seed, 61));
    }

    function unreviewedOrder(Order memory seed) internal view returns (Order memory) {
        return _order(seed, false, _bit(seed, 62), _bit(seed, 61));
    }

    function reviewedOrder(Order memory seed) internal view returns (Order memory) {
        return _order(seed, true, _bit(seed, 62), _bit(seed, 61));
    }

    function gatedOrder(Order memory seed) internal view returns (Order memory) {
        return _order(seed, _bit(seed, 63), true, _bit(seed, 61));
    }

    function commissionedOrder(Order memory seed) internal view returns (Order memory) {
        return _order(seed, _bit(seed, 63), _bit(seed, 62), true);
    }

    function _order(Order memory seed, bool reviewed, bool gated, bool commissioned)
        private
        view
        returns (Order memory order)
    {
        order = seed;
        order.requester = requester;
        order.provider = provider;
        order.token = address(token);
        order.arbiter = reviewed ? arbiter : address(0);
        order.approver = gated ? approver : address(0);
        order.commissionTo = commissioned ? commissionTo : address(0);
        order.amount = uint120(bound(order.amount, 1, type(uint120).max));
        order.feeBps = uint16(bound(order.feeBps, MIN_FEE_BPS, 1000));
        order.commissionBps = commissioned ? uint16(bound(order.commissionBps, 1, 5000 - order.feeBps)) : 0;
        uint256 now_ = vm.getBlockTimestamp();
        order.payDeadline = uint40(bound(order.payDeadline, now_, now_ + 30 days));
        order.slaSeconds = uint32(bound(order.slaSeconds, 300, 365 days));
        order.reviewSeconds = reviewed ? uint32(bound(order.reviewSeconds, 300, 30 days)) : 0;
    }

    function _bit(Order memory seed, uint256 bit) private pure returns (bool) {
        return seed.salt >> bit & 1 == 1;
    }

    /// @dev Another order of the same terms.
    function sibling(Order memory order) internal pure returns (Order memory other) {
        other = abi.decode(abi.encode(order), (Order));
        other.salt ^= 1;
    }

    function sign(uint256 key, bytes32 orderId) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, orderId);
        return abi.encodePacked(r, s, v);
    }

    function create(Order memory order) internal returns (bytes32 orderId) {
        orderId = vault.hashOrder(order);
        vault.createOrder(order, sign(REQUESTER_KEY, orderId), sign(PROVIDER_KEY, orderId));
    }

    /// @dev The Requester gets the price and allows the vault to take it.
    function fund(Order memory order) internal {
        token.mint(order.requester, order.amount);
        vm.prank(order.requester);
        token.approve(address(vault), order.amount);
    }

    function pay(Order memory order) internal {
        fund(order);
        vm.prank(order.requester);
        vault.payOrder(order);
    }

    function approve(Order memory order) internal {
        vm.prank(order.approver);
        vault.approveOrder(order);
    }

    function deliver(Order memory order) internal {
        vm.prank(order.provider);
        vault.deliverOrder(order, DELIVERABLE);
    }

    function dispute(Order memory order) internal {
        vm.prank(order.requester);
        vault.disputeOrder(order, REASON);
    }

    function release(Order memory order) internal {
        vm.prank(order.requester);
        vault.releaseOrder(order);
    }

    function resolve(Order memory order, uint256 providerPart) internal {
        vm.prank(order.arbiter);
        vault.resolveDispute(order, providerPart, REASON);
    }

    /// @dev Creates `order` and brings it into `phase`, of those that its terms let it reach. In LOCK it is neither approved nor
    /// disputed yet. Moves the clock only to expire.
    function bring(Order memory order, Phase phase) internal returns (bytes32 orderId) {
        orderId = vault.hashOrder(order);
        if (phase == Phase.NONE) return orderId;
        create(order);
        if (phase == Phase.REJECTED) {
            vm.prank(order.provider);
            vault.rejectOrder(order, REASON);
        }
        if (phase == Phase.EXPIRED) {
            vm.warp(uint256(order.payDeadline) + 1);
            vault.expireOrder(order);
        }
        if (phase >= Phase.LOCK && phase <= Phase.CLEAR) pay(order);
        if (phase >= Phase.DELIVER && phase <= Phase.CLEAR) {
            if (order.approver != address(0)) approve(order);
            deliver(order);
        }
        if (phase == Phase.DISPUTE) dispute(order);
        if (phase == Phase.CLEAR && order.reviewSeconds != 0) release(order);
    }

    /// @dev Any phase that `order` can reach.
    function reachablePhase(Order memory order, uint256 seed) internal pure returns (Phase phase) {
        phase = Phase(bound(seed, 0, uint256(Phase.EXPIRED)));
        if (order.reviewSeconds == 0 && (phase == Phase.DELIVER || phase == Phase.DISPUTE)) return Phase.LOCK;
    }

    /// @dev Whether `caller` could make the call now. Leaves no trace.
    function possible(address caller, bytes memory data) internal returns (bool ok) {
        uint256 before = vm.snapshotState();
        vm.prank(caller);
        (ok,) = address(vault).call(data);
        vm.revertToState(before);
    }

    function disableToken() internal {
        vm.prank(owner);
        vault.setToken(address(token), false, 0);
    }

    function fee(Order memory order) internal pure returns (uint256) {
        return share(order.amount, order.feeBps);
    }

    function share(uint256 amount, uint256 bps) internal pure returns (uint256) {
        return amount * bps / 10_000;
    }

    /// @dev What must be where once `order` is settled with `providerPart` of its price.
    function settled(Order memory order, uint256 providerPart) internal pure returns (Holdings memory money) {
        money.fee = share(providerPart, order.feeBps);
        money.commission = share(providerPart, order.commissionBps);
        money.toProvider = providerPart - money.fee - money.commission;
        money.toRequester = order.amount - providerPart;
    }

    /* ASSERTIONS */

    /// @dev The logs of the next call, from OrderCleared on: `order` is settled with `providerPart` of its price, and all is pushed.
    function expectSettlement(Order memory order, bytes32 orderId, uint256 providerPart) internal {
        Holdings memory money = settled(order, providerPart);
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderCleared(orderId, money.toProvider, money.toRequester, money.fee, money.commission);
        if (money.commission != 0) {
            vm.expectEmit(address(vault));
            emit ICAPVault.PayoutDeferred(orderId, address(token), order.commissionTo, money.commission);
        }
        expectTransfer(address(vault), order.provider, money.toProvider);
        if (money.toRequester != 0) expectTransfer(address(vault), order.requester, money.toRequester);
    }

    function expectTransfer(address from, address to, uint256 amount) internal {
        vm.expectEmit(address(token));
        emit MockToken.Transfer(from, to, amount);
    }

    /// @dev How many logs there were since vm.recordLogs(), without the test's own; a settlement has `settlementLogs`.
    function logCount() internal returns (uint256 count) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != address(this)) ++count;
        }
    }

    function settlementLogs(Holdings memory money) internal pure returns (uint256) {
        return 2 + (money.commission != 0 ? 1 : 0) + (money.toRequester != 0 ? 1 : 0);
    }

    function assertPhase(bytes32 orderId, Phase expected) internal view {
        (Phase phase,,,,) = vault.orderState(orderId);
        vm.assertEq(uint256(phase), uint256(expected), "phase");
    }

    /// @dev The whole stored state of an order without flags that entered `phase` now.
    function assertEntered(bytes32 orderId, Phase expected, bytes32 deliverableHash) internal view {
        assertState(orderId, expected, false, false, vm.getBlockTimestamp(), deliverableHash);
    }

    /// @dev The whole stored state of an order.
    function assertState(
        bytes32 orderId,
        Phase expected,
        bool isApproved,
        bool isDisputed,
        uint256 enteredAt,
        bytes32 deliverableHash
    ) internal view {
        (Phase phase, bool approved, bool disputed, uint40 since, bytes25 hashPrefix) = vault.orderState(orderId);
        vm.assertEq(uint256(phase), uint256(expected), "phase");
        vm.assertEq(approved, isApproved, "approved");
        vm.assertEq(disputed, isDisputed, "disputed");
        vm.assertEq(since, enteredAt, "since");
        vm.assertEq(bytes32(hashPrefix), bytes32(bytes25(deliverableHash)), "hashPrefix");
    }

    /// @dev All there is of the token, and that no payout to the parties waits.
    function assertMoney(Holdings memory money) internal view {
        vm.assertEq(token.balanceOf(provider), money.toProvider, "provider");
        vm.assertEq(token.balanceOf(requester), money.toRequester, "requester");
        vm.assertEq(accruedFees(), money.fee, "fee");
        vm.assertEq(claimable(commissionTo), money.commission, "commission");
        vm.assertEq(token.balanceOf(address(vault)), money.held + money.fee + money.commission, "vault");
        address[5] memory others = [arbiter, approver, commissionTo, treasury, stranger];
        for (uint256 i; i < others.length; ++i) {
            vm.assertEq(token.balanceOf(others[i]), 0, "others");
            if (others[i] != commissionTo) vm.assertEq(claimable(others[i]), 0, "others' credit");
        }
        vm.assertEq(claimable(provider), 0, "provider's credit");
        vm.assertEq(claimable(requester), 0, "requester's credit");
    }

    function claimable(address account) internal view returns (uint256) {
        return vault.claimable(address(token), account);
    }

    function accruedFees() internal view returns (uint256 accrued) {
        (,, accrued) = vault.tokenConfig(address(token));
    }
}
