// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IEntryPoint} from "@account-abstraction/contracts/interfaces/IEntryPoint.sol";
import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";
import {AgentAccount} from "../../../contracts/account/AgentAccount.sol";
import {Step} from "../../../contracts/interfaces/IAgentAccount.sol";
import {Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {AccountTest} from "../AgentAccount/AccountTest.sol";
import {Vm} from "../Vm.sol";

/// @notice Gas of each step as a sponsored operation: whole handleOps transactions of 1, 10 and 50 operations of as many accounts, beside an
/// ERC-20 transfer by the reference account in such bundles, and the least gas limits that each step needs. Isolation makes each call a transaction of
/// its own, with cold storage.
/// forge-config: default.isolate = true
contract SponsoredGasTest is AccountTest {
    // forge prints these events by their names.
    event log_named_uint(string key, uint256 val);
    event log_named_int(string key, int256 val);
    event log(string line);

    enum Action {
        CREATE,
        PAY,
        CREATE_AND_PAY,
        DELIVER,
        DELIVER_INTO_REVIEW,
        RELEASE,
        DISPUTE,
        REJECT_UNPAID,
        REJECT_PAID,
        SET_LIMITS
    }

    /// @dev Gas limits with which every step works; callGasLimit is each step's own.
    uint128 private constant VERIFICATION = 80_000;
    uint128 private constant PAYMASTER_VERIFICATION = 40_000;
    uint256 private constant PRE_VERIFICATION = 60_000;

    /// @dev What an ERC-20 transfer by the EntryPoint's reference account costs, alone and in bundles of 10 and 50.
    uint256 private constant REFERENCE_ALONE = 103_100;
    uint256 private constant REFERENCE_IN_10 = 61_300;
    uint256 private constant REFERENCE_IN_50 = 56_600;

    uint256 private constant ACCOUNTS = 50;
    uint192 private constant KEY = 5;
    AgentAccount[] private _requesters;
    AgentAccount[] private _providers;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            _requesters.push(newAccount(REQUESTER_KEY, bytes32(100 + i)));
            _providers.push(newAccount(PROVIDER_KEY, bytes32(200 + i)));
            mint(_requesters[i], uint256(PRICE) * 3 + 1);
            mint(_providers[i], 1);
        }
        vm.deal(beneficiary, 1);
        // The vault's balance and accrued fees are not zero in the long run.
        Order memory order = _order(0, 0);
        _bring(order, 0, Phase.LOCK);
        _deliver(order, 0);
        mint(AgentAccount(payable(address(vault))), 1);
    }

    function test_create() public {
        _measure("create", Action.CREATE, 90_000, [uint256(157_000), 112_000, 108_000]);
    }

    function test_pay() public {
        _measure("approve + pay", Action.PAY, 120_000, [uint256(160_000), 102_000, 98_000]);
    }

    function test_createAndPay() public {
        _measure("approve + create and pay", Action.CREATE_AND_PAY, 160_000, [uint256(207_000), 149_000, 145_000]);
    }

    function test_deliver() public {
        _measure("deliver", Action.DELIVER, 380_000, [uint256(150_000), 88_000, 83_000]);
    }

    function test_deliverIntoReview() public {
        _measure("deliver into review", Action.DELIVER_INTO_REVIEW, 40_000, [uint256(114_000), 71_000, 67_000]);
    }

    function test_release() public {
        _measure("release", Action.RELEASE, 380_000, [uint256(147_000), 86_000, 80_000]);
    }

    function test_dispute() public {
        _measure("dispute", Action.DISPUTE, 40_000, [uint256(114_000), 71_000, 67_000]);
    }

    function test_rejectUnpaid() public {
        _measure("reject before payment", Action.REJECT_UNPAID, 40_000, [uint256(114_000), 71_000, 67_000]);
    }

    function test_rejectPaid() public {
        _measure("reject after payment", Action.REJECT_PAID, 380_000, [uint256(142_000), 85_000, 80_000]);
    }

    /// @dev By the Owner.
    function test_setLimits() public {
        _measure("set limits", Action.SET_LIMITS, 60_000, [uint256(119_000), 78_000, 74_000]);
    }

    /// @dev Plain transactions of the relayer.
    function test_createAccount() public {
        factory.createAccount(owner, stranger, "new");
        emit log_named_uint("createAccount", vm.lastCallGas().gasTotalUsed);
        vm.assertLe(vm.lastCallGas().gasTotalUsed, 90_000, "createAccount");
    }

    function test_createByAnybody() public {
        Order memory order = _order(0, 1);
        (bytes memory first, bytes memory second) =
            (consent(_requesters[0], REQUESTER_KEY, order), consent(_providers[0], PROVIDER_KEY, order));
        vault.createOrder(order, first, second);
        emit log_named_uint("create, two Executors' consents", vm.lastCallGas().gasTotalUsed);
        vm.assertLe(vm.lastCallGas().gasTotalUsed, 100_000, "create");
    }

    /// @dev The figures mean little if the token is cheaper than the real USDC, whose bare transfer costs 44.8k.
    function test_tokenCostsWhatUSDCCosts() public {
        vm.prank(address(_requesters[0]));
        usdc.transfer(address(_providers[0]), 1);
        emit log_named_uint("bare token transfer", vm.lastCallGas().gasTotalUsed);
        vm.assertGe(vm.lastCallGas().gasTotalUsed, 44_800, "at least");
        vm.assertLe(vm.lastCallGas().gasTotalUsed, 45_600, "at most");
    }

    /* MEASURING */

    /// @param atMost Per operation, alone and in bundles of 10 and 50.
    function _measure(string memory name, Action action, uint128 callGasLimit, uint256[3] memory atMost) private {
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            _prepare(action, i);
        }
        emit log(name);
        uint256 state = vm.snapshotState();
        _bundle(action, 1, callGasLimit, " first use of the lane: ");
        vm.revertToState(state);
        _checkLimits(action, callGasLimit);
        vm.revertToState(state);
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            _useLane(action, i);
        }
        state = vm.snapshotState();
        _compare(_bundle(action, 1, callGasLimit, " alone: "), atMost[0], REFERENCE_ALONE);
        vm.revertToState(state);
        _compare(_bundle(action, 10, callGasLimit, " bundle of 10: "), atMost[1], REFERENCE_IN_10);
        vm.revertToState(state);
        _compare(_bundle(action, 50, callGasLimit, " bundle of 50: "), atMost[2], REFERENCE_IN_50);
    }

    function _compare(uint256 perOperation, uint256 atMost, uint256 ofReference) private {
        emit log_named_int("   above a transfer by the reference account", int256(perOperation) - int256(ofReference));
        vm.assertLe(perOperation, atMost, "per operation");
    }

    /// @return perOperation Gas of the whole transaction, divided by its operations.
    function _bundle(Action action, uint256 count, uint128 callGasLimit, string memory how)
        private
        returns (uint256 perOperation)
    {
        PackedUserOperation[] memory ops = new PackedUserOperation[](count);
        for (uint256 i = 0; i < count; ++i) {
            ops[i] = _op(action, i, callGasLimit);
        }
        vm.recordLogs();
        vm.prank(bundler, bundler);
        entryPoint.handleOps(ops, beneficiary);
        perOperation = vm.lastCallGas().gasTotalUsed / count;
        uint256 charged;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IEntryPoint.UserOperationEvent.selector) continue;
            (, bool success,, uint256 actualGasUsed) = abi.decode(logs[i].data, (uint256, bool, uint256, uint256));
            vm.assertTrue(success, "success");
            charged += actualGasUsed;
        }
        uint256 measured = charged / count - PRE_VERIFICATION;
        emit log_named_uint(string.concat(how, "handleOps gas per operation"), perOperation);
        emit log_named_uint(string.concat(how, "actualGasUsed less preVerificationGas"), measured);
        emit log_named_int(
            string.concat(how, "preVerificationGas that makes the two equal"), int256(perOperation) - int256(measured)
        );
    }

    function _checkLimits(Action action, uint128 callGasLimit) private {
        _checkLimit("verificationGasLimit", _least(action, 0), VERIFICATION);
        _checkLimit("paymasterVerificationGasLimit", _least(action, 1), PAYMASTER_VERIFICATION);
        _checkLimit("callGasLimit", _least(action, 2), callGasLimit);
    }

    function _checkLimit(string memory name, uint256 least, uint256 limit) private {
        emit log_named_uint(string.concat(" least ", name), least);
        // The margin is for what a token, a contract's signature or a first balance may cost more.
        vm.assertLe(least + 15_000, limit, name);
    }

    /// @dev First use of the lane: the dearest case.
    function _least(Action action, uint256 which) private returns (uint256 high) {
        uint256 low = 0;
        high = 1_000_000;
        while (high - low > 100) {
            uint256 middle = (low + high) / 2;
            uint256 state = vm.snapshotState();
            if (_works(action, which, middle)) high = middle;
            else low = middle;
            vm.revertToState(state);
        }
    }

    function _works(Action action, uint256 which, uint256 limit) private returns (bool) {
        uint128[3] memory limits = [uint128(1_000_000), 1_000_000, 1_000_000];
        limits[which] = uint128(limit);
        PackedUserOperation[] memory ops = new PackedUserOperation[](1);
        ops[0] = newOp(_sender(action, 0), _lane(action), _callData(action, 0));
        ops[0].accountGasLimits = pack(limits[0], limits[2]);
        sponsor(ops[0], uint48(START - 1), uint48(START + 600), SPONSOR_KEY, limits[1]);
        signOp(ops[0], _key(action));
        vm.recordLogs();
        vm.prank(bundler, bundler);
        try entryPoint.handleOps(ops, beneficiary) {
            (bool success,) = outcome();
            return success;
        } catch {
            return false;
        }
    }

    /* ORDERS */

    function _order(uint256 i, uint64 salt) private view returns (Order memory order) {
        order = newOrder(salt);
        order.requester = address(_requesters[i]);
        order.provider = address(_providers[i]);
    }

    function _order(Action action, uint256 i) private view returns (Order memory order) {
        order = _order(i, 1);
        if (action == Action.DELIVER_INTO_REVIEW || action == Action.RELEASE || action == Action.DISPUTE) {
            (order.arbiter, order.reviewSeconds) = (stranger, 1 hours);
        }
    }

    function _prepare(Action action, uint256 i) private {
        // Paid before, so that what is measured is not an account's first payment.
        _bring(_order(i, 2), i, Phase.LOCK);
        if (action == Action.CREATE || action == Action.CREATE_AND_PAY || action == Action.SET_LIMITS) return;
        bool unpaid = action == Action.PAY || action == Action.REJECT_UNPAID;
        _bring(_order(action, i), i, unpaid ? Phase.NEGOTIATION : Phase.LOCK);
        if (action == Action.RELEASE || action == Action.DISPUTE) _deliver(_order(action, i), i);
    }

    function _deliver(Order memory order, uint256 i) private {
        Step[] memory list = deliverSteps(order);
        vm.prank(vm.addr(PROVIDER_KEY));
        _providers[i].executeOrderSteps(list);
    }

    function _bring(Order memory order, uint256 i, Phase phase) private {
        vault.createOrder(
            order, consent(_requesters[i], REQUESTER_KEY, order), consent(_providers[i], PROVIDER_KEY, order)
        );
        if (phase != Phase.LOCK) return;
        Step[] memory list = paySteps(order);
        vm.prank(vm.addr(REQUESTER_KEY));
        _requesters[i].executeOrderSteps(list);
    }

    /// @dev An operation without steps.
    function _useLane(Action action, uint256 i) private {
        PackedUserOperation memory op =
            newOp(_sender(action, i), _lane(action), abi.encodeCall(AgentAccount.executeOrderSteps, (new Step[](0))));
        sponsor(op);
        signOp(op, _key(action));
        send(op);
    }

    /* OPERATIONS */

    function _op(Action action, uint256 i, uint128 callGasLimit) private view returns (PackedUserOperation memory op) {
        op = newOp(_sender(action, i), _lane(action), _callData(action, i));
        op.accountGasLimits = pack(VERIFICATION, callGasLimit);
        op.preVerificationGas = PRE_VERIFICATION;
        sponsor(op, uint48(START - 1), uint48(START + 600), SPONSOR_KEY, PAYMASTER_VERIFICATION);
        signOp(op, _key(action));
    }

    function _sender(Action action, uint256 i) private view returns (AgentAccount) {
        return _byRequester(action) ? _requesters[i] : _providers[i];
    }

    function _lane(Action action) private pure returns (uint192) {
        return action == Action.SET_LIMITS ? 0 : KEY;
    }

    function _key(Action action) private pure returns (uint256) {
        if (action == Action.SET_LIMITS) return OWNER_KEY;
        return _byRequester(action) ? REQUESTER_KEY : PROVIDER_KEY;
    }

    function _byRequester(Action action) private pure returns (bool) {
        return action == Action.CREATE || action == Action.PAY || action == Action.CREATE_AND_PAY
            || action == Action.RELEASE || action == Action.DISPUTE || action == Action.SET_LIMITS;
    }

    function _callData(Action action, uint256 i) private view returns (bytes memory) {
        if (action == Action.SET_LIMITS) {
            bytes memory set = abi.encodeCall(AgentAccount.setLimits, (address(eurc), PRICE, PRICE));
            return abi.encodeCall(AgentAccount.execute, (calls(address(_requesters[i]), 0, set)));
        }
        return abi.encodeCall(AgentAccount.executeOrderSteps, (_steps(action, _order(action, i), i)));
    }

    function _steps(Action action, Order memory order, uint256 i) private view returns (Step[] memory list) {
        if (action == Action.PAY) return paySteps(order);
        if (action == Action.DELIVER || action == Action.DELIVER_INTO_REVIEW) return deliverSteps(order);
        if (action == Action.RELEASE) return steps(address(vault), abi.encodeCall(vault.releaseOrder, (order)));
        if (action == Action.DISPUTE) {
            return steps(address(vault), abi.encodeCall(vault.disputeOrder, (order, REASON)));
        }
        if (action == Action.REJECT_UNPAID || action == Action.REJECT_PAID) return rejectSteps(order);
        bytes memory consent_ = consent(_providers[i], PROVIDER_KEY, order);
        if (action == Action.CREATE) {
            return steps(address(vault), abi.encodeCall(vault.createOrder, (order, "", consent_)));
        }
        list = paySteps(order);
        list[1].data = abi.encodeCall(vault.createAndPayOrder, (order, consent_));
    }
}
