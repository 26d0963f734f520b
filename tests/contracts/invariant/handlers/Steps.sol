// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../../contracts/interfaces/ICAPVault.sol";
import {Behaviour, MockToken} from "../../mocks/MockToken.sol";
import {MockToken3009} from "../../mocks/MockToken3009.sol";
import {Vm} from "../../Vm.sol";
import {Call, Case, Moves, NOTHING, Outcome, ProtocolTable} from "../ProtocolTable.sol";
import {World} from "./World.sol";

/// @notice Makes the calls. Of each the table says beforehand what must come of it; afterwards exactly the accounts concerned
/// have gained or lost exactly the amounts concerned.
abstract contract Steps is World {
    /// @dev An expected failure whose reason is the token's affair.
    bytes internal constant ANY = hex"ffffffff";
    /// @dev Enough for every call, finite for tokens that burn all they get.
    uint256 internal constant GAS = 3_000_000;

    /// @dev A call on one order.
    struct Step {
        Call call;
        address caller;
        bytes data;
        uint256 given; // consents that it carries
        uint256 part; // providerPart of a ruling
        bytes badArgument; // the error for an argument that is not the order's
        uint256 gas;
    }

    mapping(address token => mapping(address account => uint256 amount)) private _balanceBefore;
    /// @dev What the step under way should change, if it succeeds.
    mapping(address token => mapping(address account => int256 amount)) private _due;

    error Probed(bool ok, bytes4 reason);

    /* ONE ORDER */

    function _do(Entry storage entry, Call call, address caller, bytes memory data) internal returns (bool) {
        return _do(entry, call, caller, data, GAS);
    }

    function _do(Entry storage entry, Call call, address caller, bytes memory data, uint256 gas)
        internal
        returns (bool)
    {
        return _do(entry, Step(call, caller, data, NOTHING, 0, "", gas));
    }

    function _do(Entry storage entry, Step memory step) internal returns (bool ok) {
        Outcome memory o = _outcome(entry, step);
        if (o.failure.length == 0) _expect(entry, o.money, step.part);
        (ok,) = _send(step.caller, step.data, o.failure, step.gas);
        if (ok) _apply(entry, o, step.part);
        _checkExits(entry);
    }

    /// @dev What the table says, and then the token.
    function _outcome(Entry storage entry, Step memory step) internal view returns (Outcome memory o) {
        Order memory order = entry.order;
        Case memory c = Case({
            call: step.call,
            order: order,
            id: entry.id,
            phase: entry.phase,
            approved: entry.approved,
            disputed: entry.disputed,
            since: entry.since,
            caller: step.caller,
            roles: 0,
            given: step.given
        });
        o = ProtocolTable.outcome(ProtocolTable.rows(), c);
        if (step.badArgument.length != 0 && bytes4(o.failure) != ICAPVault.InvalidTerms.selector) {
            o.failure = step.badArgument;
        }
        bool unauthorized = bytes4(o.failure) == MockToken3009.InvalidSignature.selector;
        if (o.failure.length != 0 && !unauthorized) return o;
        bool creates = entry.phase == Phase.NONE && step.call < Call.APPROVE;
        bytes memory refusal = creates ? _creationFailure(order) : bytes("");
        if (refusal.length != 0) {
            o.failure = refusal;
        } else if (o.money == Moves.PRICE_IN || unauthorized) {
            bool by3009 = step.call == Call.PAY_3009 || step.call == Call.CREATE_AND_PAY_3009;
            if (_gone[order.token]) {
                o.failure = abi.encodeWithSelector(ICAPVault.WrongDeposit.selector, 0, order.amount);
            } else if (unauthorized || !_deposits(order.token, order.requester, by3009)) {
                o.failure = ANY;
            }
        }
    }

    function _creationFailure(Order memory order) private view returns (bytes memory) {
        (bool enabled, uint16 minFeeBps,) = vault.tokenConfig(order.token);
        if (!enabled) return abi.encodeWithSelector(ICAPVault.TokenDisabled.selector, order.token);
        if (order.feeBps >= minFeeBps) return "";
        return abi.encodeWithSelector(ICAPVault.FeeOutOfRange.selector, order.feeBps, minFeeBps, 1000);
    }

    /// @dev Whose balance will change.
    function _expect(Entry storage entry, Moves money, uint256 part) internal {
        Order memory order = entry.order;
        if (money == Moves.PRICE_IN) {
            _due[order.token][order.requester] -= int256(uint256(order.amount));
        } else if (money == Moves.REFUNDED) {
            _expectPayout(order.token, order.requester, order.amount);
        } else if (money != Moves.NONE) {
            if (money == Moves.SETTLED) part = order.amount;
            (uint256 fee, uint256 commission) = _deductions(order, part);
            _expectPayout(order.token, order.provider, part - fee - commission);
            _expectPayout(order.token, order.requester, order.amount - part);
        }
    }

    function _expectPayout(address token, address to, uint256 amount) internal {
        _due[token][to] += int256(_arrives(token, to, amount));
    }

    function _apply(Entry storage entry, Outcome memory o, uint256 part) internal {
        Order memory order = entry.order;
        if (o.phase != entry.phase) (entry.phase, entry.since) = (o.phase, vm.getBlockTimestamp());
        (entry.approved, entry.disputed) = (o.approved, o.disputed);
        if (o.money == Moves.PRICE_IN) {
            entry.paid += order.amount;
        } else if (o.money == Moves.REFUNDED) {
            _paidOut(order.token, order.requester, order.amount);
        } else if (o.money != Moves.NONE) {
            entry.providerPart = o.money == Moves.SETTLED ? order.amount : part;
            (uint256 fee, uint256 commission) = _deductions(order, entry.providerPart);
            accrued[order.token] += fee;
            credit[order.token][order.commissionTo] += commission;
            _paidOut(order.token, order.provider, entry.providerPart - fee - commission);
            _paidOut(order.token, order.requester, order.amount - entry.providerPart);
        }
    }

    function _deductions(Order memory order, uint256 part) private pure returns (uint256 fee, uint256 commission) {
        return (part * order.feeBps / 10_000, part * order.commissionBps / 10_000);
    }

    /// @dev A push has been made, or has become a credit.
    function _paidOut(address token, address to, uint256 amount) internal {
        if (_pays(token, to)) _lied(token, amount);
        else credit[token][to] += amount;
    }

    function _lied(address token, uint256 amount) internal {
        if (MockToken(token).behaviour() == Behaviour.LIES) surplus[token] += amount;
    }

    /* ONE CALL */

    /// @dev Makes the call, and checks its outcome, the balances, the logs and what a re-entering token got.
    function _send(address caller, bytes memory data, bytes memory failure, uint256 gas)
        internal
        returns (bool ok, bytes memory result)
    {
        for (uint256 t; t < TOKENS; ++t) {
            for (uint256 a; a < ACTORS; ++a) {
                _balanceBefore[address(tokens[t])][actors[a]] = tokens[t].balanceOf(actors[a]);
            }
        }
        bytes[TOKENS] memory codes = _takeCodes();
        vm.recordLogs();
        vm.prank(caller);
        (ok, result) = address(vault).call{gas: gas}(data);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        _giveCodesBack(codes);

        // With less gas than needed a call may fail, but it may do nothing else than without the limit.
        if (ok || gas == GAS) vm.assertEq(ok, failure.length == 0, "whether the step succeeds");
        if (!ok && failure.length != 0 && bytes4(failure) != bytes4(ANY) && gas == GAS) {
            vm.assertEq(result, failure, "why it fails");
        }
        for (uint256 t; t < TOKENS; ++t) {
            address token = address(tokens[t]);
            for (uint256 a; a < ACTORS; ++a) {
                uint256 expected = _balanceBefore[token][actors[a]];
                if (ok) expected = uint256(int256(expected) + _due[token][actors[a]]);
                _due[token][actors[a]] = 0;
                vm.assertEq(MockToken(token).balanceOf(actors[a]), expected, "a balance");
            }
            vm.assertNotEq(keccak256(tokens[t].reentryResult()), keccak256("succeeded"), "re-entered");
        }
        if (ok) _read(logs); // a failed call leaves its undone logs there too
    }

    function _takeCodes() private returns (bytes[TOKENS] memory codes) {
        for (uint256 t; t < TOKENS; ++t) {
            if (!_gone[address(tokens[t])]) continue;
            codes[t] = address(tokens[t]).code;
            vm.etch(address(tokens[t]), "");
        }
    }

    function _giveCodesBack(bytes[TOKENS] memory codes) private {
        for (uint256 t; t < TOKENS; ++t) {
            if (codes[t].length != 0) vm.etch(address(tokens[t]), codes[t]);
        }
    }

    function _read(Vm.Log[] memory logs) private {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != address(vault)) continue;
            bytes32 topic = logs[i].topics[0];
            if (topic == ICAPVault.OrderDelivered.selector) {
                ++_byId(logs[i].topics[1]).deliveries;
            } else if (topic == ICAPVault.OrderCleared.selector) {
                Entry storage entry = _byId(logs[i].topics[1]);
                ++entry.endings;
                (uint256 toProvider, uint256 toRequester, uint256 fee, uint256 commission) =
                    abi.decode(logs[i].data, (uint256, uint256, uint256, uint256));
                entry.toProvider += toProvider;
                entry.toRequester += toRequester;
                entry.fee += fee;
                entry.commission += commission;
            } else if (topic == ICAPVault.OrderRejected.selector) {
                Entry storage entry = _byId(logs[i].topics[1]);
                ++entry.endings;
                (, uint256 refund) = abi.decode(logs[i].data, (bytes32, uint256));
                entry.toRequester += refund;
            } else if (topic == ICAPVault.OrderExpired.selector) {
                Entry storage entry = _byId(logs[i].topics[1]);
                ++entry.endings;
                entry.toRequester += abi.decode(logs[i].data, (uint256));
            }
        }
    }

    /* ONE SECOND */

    /// @dev Invariant 7: now, what a party does against the other and the exit that anyone may take are not both possible, nor is neither.
    function _checkExits(Entry storage entry) internal {
        Order memory order = entry.order;
        Phase phase = entry.phase;
        if (phase == Phase.NEGOTIATION) {
            bool pay = _inTime(order.requester, abi.encodeCall(ICAPVault.payOrder, (order)));
            vm.assertNotEq(pay, _expires(order), "7: pay, expire");
        } else if (phase == Phase.LOCK) {
            bool deliver = _inTime(order.provider, abi.encodeCall(ICAPVault.deliverOrder, (order, keccak256("7"))));
            vm.assertNotEq(deliver, _expires(order), "7: deliver, expire");
            if (order.arbiter != address(0)) vm.assertNotEq(_resolves(order), _expires(order), "7: resolve, expire");
        } else if (phase == Phase.DELIVER) {
            (bool dispute,) = _probe(order.requester, abi.encodeCall(ICAPVault.disputeOrder, (order, 0)));
            vm.assertNotEq(dispute, _releases(order), "7: dispute, timed release");
            vm.assertNotEq(_resolves(order), _releases(order), "7: resolve, timed release");
        } else if (phase == Phase.DISPUTE) {
            vm.assertNotEq(_resolves(order), _releases(order), "7: resolve, timed release");
        }
    }

    function _expires(Order memory order) private returns (bool ok) {
        (ok,) = _probe(STRANGER, abi.encodeCall(ICAPVault.expireOrder, (order)));
    }

    function _releases(Order memory order) private returns (bool ok) {
        (ok,) = _probe(STRANGER, abi.encodeCall(ICAPVault.releaseOrder, (order)));
    }

    function _resolves(Order memory order) private returns (bool) {
        return _inTime(order.arbiter, abi.encodeCall(ICAPVault.resolveDispute, (order, 0, 0)));
    }

    /// @dev Whether the clock allows the call, which the gate, a flag that is not there or the token may still stop.
    function _inTime(address caller, bytes memory data) private returns (bool) {
        (, bytes4 reason) = _probe(caller, data);
        return reason != ICAPVault.TooLate.selector;
    }

    function _probe(address caller, bytes memory data) private returns (bool ok, bytes4 reason) {
        try this.probe(caller, data) {}
        catch (bytes memory result) {
            vm.assertEq(bytes32(bytes4(result)), bytes32(Probed.selector), "a probe");
            assembly ("memory-safe") {
                ok := mload(add(result, 0x24))
                reason := mload(add(result, 0x44))
            }
        }
    }

    /// @notice Makes a call, undoes it, and says what came of it.
    function probe(address caller, bytes calldata data) external {
        vm.prank(caller);
        (bool ok, bytes memory result) = address(vault).call{gas: GAS}(data);
        revert Probed(ok, ok ? bytes4(0) : bytes4(result));
    }
}
