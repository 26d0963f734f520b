// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {MockToken} from "../mocks/MockToken.sol";
import {Test} from "../Test.sol";
import {IVault} from "./IVault.sol";

/// @notice A vault with one token, its parties with their keys, and the ways to bring an order into each phase.
abstract contract VaultTest is Test {
    uint256 internal constant START = 1_800_000_000;
    uint16 internal constant MIN_FEE_BPS = 10;
    bytes32 internal constant DELIVERABLE = keccak256("deliverable");
    bytes32 internal constant REASON = keccak256("reason");

    uint256 internal constant REQUESTER_KEY = 0xA11CE;
    uint256 internal constant PROVIDER_KEY = 0xB0B;
    address internal immutable requester = vm.addr(REQUESTER_KEY);
    address internal immutable provider = vm.addr(PROVIDER_KEY);
    address internal immutable owner = vm.addr(0x0123);
    address internal immutable treasury = vm.addr(0x7EA);
    address internal immutable stranger = vm.addr(0x5712A);

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
        vm.label(owner, "owner");
        vm.label(treasury, "treasury");
        vm.label(stranger, "stranger");
    }

    /// @dev From the artifact: `new` would compile the vault again into each test contract, and those by the slow pipeline.
    function deployVault(address initialOwner, address initialTreasury) internal returns (IVault) {
        return IVault(vm.deployCode("CAPVault.sol:CAPVault", abi.encode(initialOwner, initialTreasury)));
    }

    /* ORDERS */

    /// @dev Any order that may be created now: `seed` with each member brought into its allowed range.
    function validOrder(Order memory seed) internal view returns (Order memory order) {
        order = seed;
        order.requester = requester;
        order.provider = provider;
        order.token = address(token);
        (order.arbiter, order.approver, order.commissionTo) = (address(0), address(0), address(0));
        (order.commissionBps, order.reviewSeconds) = (0, 0);
        order.amount = uint120(bound(order.amount, 1, type(uint120).max));
        order.feeBps = uint16(bound(order.feeBps, MIN_FEE_BPS, 1000));
        uint256 now_ = vm.getBlockTimestamp();
        order.payDeadline = uint40(bound(order.payDeadline, now_, now_ + 30 days));
        order.slaSeconds = uint32(bound(order.slaSeconds, 300, 365 days));
    }

    function sign(uint256 key, bytes32 orderId) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, orderId);
        return abi.encodePacked(r, s, v);
    }

    function create(Order memory order) internal returns (bytes32 orderId) {
        orderId = vault.hashOrder(order);
        vault.createOrder(order, sign(REQUESTER_KEY, orderId), sign(PROVIDER_KEY, orderId));
    }

    function pay(Order memory order) internal {
        token.mint(order.requester, order.amount);
        vm.prank(order.requester);
        token.approve(address(vault), order.amount);
        vm.prank(order.requester);
        vault.payOrder(order);
    }

    function deliver(Order memory order) internal {
        vm.prank(order.provider);
        vault.deliverOrder(order, DELIVERABLE);
    }

    /// @dev Creates `order` and brings it into `phase`, of those that an order can reach. May move the clock.
    function bring(Order memory order, Phase phase) internal returns (bytes32 orderId) {
        orderId = vault.hashOrder(order);
        if (phase == Phase.NONE) return orderId;
        create(order);
        if (phase == Phase.LOCK || phase == Phase.CLEAR) pay(order);
        if (phase == Phase.CLEAR) deliver(order);
        if (phase == Phase.REJECTED) {
            vm.prank(order.provider);
            vault.rejectOrder(order, REASON);
        }
        if (phase == Phase.EXPIRED) {
            vm.warp(uint256(order.payDeadline) + 1);
            vault.expireOrder(order);
        }
    }

    /// @dev Any phase that an order can reach in the core profile.
    function reachablePhase(uint256 seed) internal pure returns (Phase) {
        Phase[6] memory all = [Phase.NONE, Phase.NEGOTIATION, Phase.LOCK, Phase.CLEAR, Phase.REJECTED, Phase.EXPIRED];
        return all[bound(seed, 0, 5)];
    }

    function fee(Order memory order) internal pure returns (uint256) {
        return uint256(order.amount) * order.feeBps / 10_000;
    }

    /* ASSERTIONS */

    function assertPhase(bytes32 orderId, Phase expected) internal view {
        (Phase phase,,,,) = vault.orderState(orderId);
        vm.assertEq(uint256(phase), uint256(expected), "phase");
    }

    /// @dev The whole stored state of an order that entered `phase` now.
    function assertEntered(bytes32 orderId, Phase expected, bytes32 deliverableHash) internal view {
        (Phase phase, bool approved, bool disputed, uint40 since, bytes25 hashPrefix) = vault.orderState(orderId);
        vm.assertEq(uint256(phase), uint256(expected), "phase");
        vm.assertFalse(approved, "approved");
        vm.assertFalse(disputed, "disputed");
        vm.assertEq(since, vm.getBlockTimestamp(), "since");
        vm.assertEq(bytes32(hashPrefix), bytes32(bytes25(deliverableHash)), "hashPrefix");
    }

    function accruedFees() internal view returns (uint256 accrued) {
        (,, accrued) = vault.tokenConfig(address(token));
    }
}
