// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Behaviour, MockToken} from "../mocks/MockToken.sol";
import {VaultTest} from "./VaultTest.sol";

contract ExpireOrdersTest is VaultTest {
    uint256 private constant MANY = 6;

    /// @dev Each order in a phase of its own, at any time after: those that expireOrder takes are expired, the others stay.
    function testFuzz_expiresWhatIsDue(Order memory seed, uint256[6] memory phaseSeeds, uint256 later, address caller)
        public
    {
        Order[] memory orders = some(seed, MANY);
        for (uint256 i; i < MANY; ++i) {
            bring(orders[i], phaseIn(orders[i], phaseSeeds[i]));
        }
        vm.warp(vm.getBlockTimestamp() + bound(later, 0, 400 days));
        bool[] memory due = new bool[](MANY);
        uint256[5][] memory states = new uint256[5][](MANY);
        (uint256 dueCount, uint256 refunds, uint256 had) = (0, 0, token.balanceOf(requester));
        for (uint256 i; i < MANY; ++i) {
            states[i] = stateOf(orders[i]);
            due[i] = possible(stranger, abi.encodeCall(vault.expireOrder, (orders[i])));
            if (!due[i]) continue;
            ++dueCount;
            if (states[i][0] == uint256(Phase.LOCK)) refunds += orders[i].amount;
        }

        vm.prank(caller);
        vm.assertEq(vault.expireOrders(orders), dueCount, "expired");

        vm.assertEq(token.balanceOf(requester), had + refunds, "refunds");
        for (uint256 i; i < MANY; ++i) {
            if (due[i]) (states[i][0], states[i][3]) = (uint256(Phase.EXPIRED), vm.getBlockTimestamp());
            vm.assertEq(abi.encode(stateOf(orders[i])), abi.encode(states[i]), "state");
        }
    }

    /// @dev In the last second nothing is due, in the next all is.
    function testFuzz_deadline(Order memory seed, bool paid) public {
        Order[] memory orders = some(seed, 2);
        bring(orders[0], paid ? Phase.LOCK : Phase.NEGOTIATION);
        bring(orders[1], paid ? Phase.LOCK : Phase.NEGOTIATION);
        uint256 deadline = paid ? START + orders[0].slaSeconds : orders[0].payDeadline;
        vm.warp(deadline);
        vm.recordLogs();
        vm.assertEq(vault.expireOrders(orders), 0, "in time");
        vm.assertEq(logCount(), 0, "logs");
        vm.warp(deadline + 1);
        vm.assertEq(vault.expireOrders(orders), 2, "over");
    }

    function test_nothing() public {
        vm.recordLogs();
        vm.assertEq(vault.expireOrders(new Order[](0)), 0, "expired");
        vm.assertEq(logCount(), 0, "logs");
    }

    function testFuzz_emits(Order memory seed, uint120 others) public {
        Order[] memory orders = some(seed, 3);
        bytes32[3] memory ids;
        ids[0] = bring(orders[0], Phase.LOCK);
        ids[1] = bring(orders[1], Phase.NEGOTIATION);
        ids[2] = bring(orders[2], Phase.LOCK);
        token.mint(address(vault), others);
        vm.warp(START + 400 days);

        vm.recordLogs();
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderExpired(ids[0], orders[0].amount);
        expectTransfer(address(vault), requester, orders[0].amount);
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderExpired(ids[1], 0);
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderExpired(ids[2], orders[2].amount);
        expectTransfer(address(vault), requester, orders[2].amount);
        vm.assertEq(vault.expireOrders(orders), 3, "expired");

        vm.assertEq(logCount(), 5, "logs");
        for (uint256 i; i < 3; ++i) {
            assertEntered(ids[i], Phase.EXPIRED, 0);
        }
        uint256 refunds = uint256(orders[0].amount) + orders[2].amount;
        assertMoney(Holdings({held: others, toProvider: 0, toRequester: refunds, fee: 0, commission: 0}));
    }

    /// @dev An order named twice is refunded once, whatever else the vault holds.
    function testFuzz_duplicates(Order memory seed) public {
        Order[] memory orders = some(seed, 4);
        bring(orders[0], Phase.LOCK);
        bring(orders[2], Phase.LOCK);
        (orders[1], orders[3]) = (orders[0], orders[0]);
        token.mint(address(vault), uint256(orders[0].amount) * 2);
        vm.warp(START + 400 days);
        vm.assertEq(vault.expireOrders(orders), 2, "expired");
        uint256 refunds = uint256(orders[0].amount) + orders[2].amount;
        assertMoney(
            Holdings({held: uint256(orders[0].amount) * 2, toProvider: 0, toRequester: refunds, fee: 0, commission: 0})
        );
        vm.assertEq(vault.expireOrders(orders), 0, "again");
    }

    /// @dev A token that fails between two others costs its own order's push only.
    function testFuzz_hostileTokenInTheMiddle(Order memory seed, uint256 how) public {
        Order[] memory orders = some(seed, 3);
        MockToken good = token;
        bring(orders[0], Phase.LOCK);
        bring(orders[2], Phase.LOCK);
        MockToken hostile = new MockToken();
        token = hostile;
        vm.prank(owner);
        vault.setToken(address(hostile), true, MIN_FEE_BPS);
        orders[1].token = address(hostile);
        bytes32 hostileId = bring(orders[1], Phase.LOCK);
        token = good;
        Behaviour[6] memory bad = [
            Behaviour.REVERTS,
            Behaviour.RETURNS_FALSE,
            Behaviour.RETURNS_RUBBISH,
            Behaviour.RETURNS_SHORT,
            Behaviour.BURNS_GAS,
            Behaviour.RETURNS_BOMB
        ];
        hostile.setBehaviour(bad[bound(how, 0, 5)]);
        vm.warp(START + 400 days);

        vm.expectEmit(address(vault));
        emit ICAPVault.PayoutDeferred(hostileId, address(hostile), requester, orders[1].amount);
        vm.assertEq(vault.expireOrders{gas: 2_000_000}(orders), 3, "expired");

        uint256 refunds = uint256(orders[0].amount) + orders[2].amount;
        assertMoney(Holdings({held: 0, toProvider: 0, toRequester: refunds, fee: 0, commission: 0}));
        vm.assertEq(vault.claimable(address(hostile), requester), orders[1].amount, "credit");
        assertEntered(hostileId, Phase.EXPIRED, 0);
    }

    function testFuzz_reentrancyIsRefused(Order memory seed) public {
        Order[] memory orders = some(seed, 2);
        bring(orders[0], Phase.LOCK);
        bring(orders[1], Phase.LOCK);
        token.reenter(address(vault), abi.encodeCall(vault.expireOrders, (orders)));
        vm.warp(START + 400 days);
        vm.assertEq(vault.expireOrders(orders), 2, "expired");
        vm.assertEq(token.reentries(), 2, "tried");
        vm.assertEq(
            token.reentryResult(),
            abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector),
            "refused"
        );
        vm.assertEq(token.balanceOf(requester), uint256(orders[0].amount) + orders[1].amount, "once each");
    }

    /// @dev Whatever gas the caller gives: all that is due is paid, or nothing happens at all; starving defers nothing.
    function testFuzz_gasIsEnoughOrNothingHappens(Order memory seed, uint256 gasLimit, uint256 cost) public {
        Order[] memory orders = some(seed, 3);
        uint256 price;
        for (uint256 i; i < 3; ++i) {
            bring(orders[i], Phase.LOCK);
            price += orders[i].amount;
        }
        token.charge(bound(cost, 0, 180_000));
        vm.warp(START + 400 days);
        (bool ok, bytes memory reason) =
            address(vault).call{gas: bound(gasLimit, 21_000, 1_500_000)}(abi.encodeCall(vault.expireOrders, (orders)));
        if (!ok && reason.length != 0) {
            vm.assertEq(bytes32(bytes4(reason)), bytes32(ICAPVault.InsufficientGas.selector), "error");
        }
        for (uint256 i; i < 3; ++i) {
            assertPhase(vault.hashOrder(orders[i]), ok ? Phase.EXPIRED : Phase.LOCK);
        }
        assertMoney(Holdings({held: ok ? 0 : price, toProvider: 0, toRequester: ok ? price : 0, fee: 0, commission: 0}));
    }

    /// @dev Enough for the first push and not for the second.
    function testFuzz_revert_insufficientGas(Order memory seed, uint256 gasLimit) public {
        Order[] memory orders = some(seed, 2);
        bring(orders[0], Phase.LOCK);
        bring(orders[1], Phase.LOCK);
        token.charge(180_000);
        vm.warp(START + 400 days);
        (bool ok, bytes memory reason) =
            address(vault).call{gas: bound(gasLimit, 400_000, 500_000)}(abi.encodeCall(vault.expireOrders, (orders)));
        vm.assertFalse(ok, "done");
        vm.assertEq(bytes32(bytes4(reason)), bytes32(ICAPVault.InsufficientGas.selector), "error");
        vm.assertEq(token.balanceOf(requester), 0, "the first is undone");
        assertPhase(vault.hashOrder(orders[0]), Phase.LOCK);
        assertPhase(vault.hashOrder(orders[1]), Phase.LOCK);
    }

    /* HELPERS */

    function some(Order memory seed, uint256 count) private view returns (Order[] memory orders) {
        orders = new Order[](count);
        Order memory first = anyOrder(seed);
        for (uint256 i; i < count; ++i) {
            orders[i] = abi.decode(abi.encode(first), (Order));
            orders[i].salt ^= uint64(i);
        }
    }

    /// @dev Not EXPIRED, which needs the clock.
    function phaseIn(Order memory order, uint256 phaseSeed) private pure returns (Phase) {
        return reachablePhase(order, bound(phaseSeed, 0, uint256(Phase.REJECTED)));
    }

    function stateOf(Order memory order) private view returns (uint256[5] memory) {
        (Phase phase, bool approved, bool disputed, uint40 since, bytes25 hashPrefix) =
            vault.orderState(vault.hashOrder(order));
        return [uint256(phase), approved ? 1 : 0, disputed ? 1 : 0, uint256(since), uint256(bytes32(hashPrefix))];
    }
}
