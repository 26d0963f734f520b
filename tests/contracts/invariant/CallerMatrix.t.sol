// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {IVault} from "../CAPVault/IVault.sol";
import {VaultTest} from "../CAPVault/VaultTest.sol";
import {MockToken3009} from "../mocks/MockToken3009.sol";
import {
    BY_3009,
    BY_BOTH,
    BY_PROVIDER,
    CREDITED,
    Call,
    Case,
    Moves,
    NOTHING,
    OWNER,
    Outcome,
    PENDING_OWNER,
    ProtocolTable,
    Row,
    VAULT
} from "./ProtocolTable.sol";

/// @notice Invariant 12: every call × every phase and its flags × every actor, in the last second of the deadline and in the
/// one after it; only the table's cells succeed, and each of the others fails for the reason that the order of checks demands.
contract CallerMatrixTest is VaultTest {
    /// @dev Where an order stands.
    struct State {
        Phase phase;
        bool approved;
        bool disputed;
    }

    /// @dev A call with all that makes it differ from other calls of its kind.
    struct Attempt {
        Call call;
        uint256 given; // consents that it carries
        uint256 part; // providerPart of a ruling
        bool batch; // an expiry in a batch, which does nothing where others fail
        bytes data;
    }

    /// @dev What a success may change.
    struct Balances {
        uint256 vault;
        uint256 requester;
        uint256 provider;
        uint256 fees;
        uint256 credits;
    }

    uint256 private constant AMOUNT = 1_000_000;
    uint256 private constant FEE_BPS = 1000;
    uint256 private constant COMMISSION_BPS = 500;

    MockToken3009 private token3009;

    function setUp() public override {
        super.setUp();
        token3009 = new MockToken3009();
        token = token3009;
        vm.prank(owner);
        vault.setToken(address(token), true, MIN_FEE_BPS);
        vm.prank(owner);
        vault.transferOwnership(treasury);

        // Something to sweep, and something to claim: a refund that could not be pushed.
        Order memory order = anOrder(false, false, 0);
        bring(order, State(Phase.CLEAR, false, false));
        order.salt = 1;
        bring(order, State(Phase.LOCK, false, false));
        token.setDenied(requester, true);
        vm.prank(provider);
        vault.rejectOrder(order, REASON);
        token.setDenied(requester, false);
    }

    /* KINDS OF TERMS */

    // The numbers of cells are counted by hand from the protocol's table. In each of the 2 columns of a state, whatever the terms:
    // claim 1 (the Requester), claimFor 10, sweep 10, push 1, setToken 1, setTreasury 1, transferOwnership 1, acceptOwnership 1.

    /// @dev NONE: create with both consents 10, createAndPay 1, its twin 10, with the authorization alone 1 (the Provider), reject 2·2;
    /// NEGOTIATION: pay 1, its twin 10, createAndPay 2·1, its twin 2·10, reject 2·2, expire 2·10; LOCK: deliver 1, reject 2·1, expire 2·10.
    function test_CR61_onlyTheTablesCellsSucceed_default() public {
        State[] memory states = new State[](6);
        states[1].phase = Phase.NEGOTIATION;
        states[2].phase = Phase.LOCK;
        addFinals(states, 3, false, false);
        vm.assertEq(succeeding(false, false, states), 26 + 57 + 23 + 6 * 2 * 26, "cells that succeed");
    }

    /// @dev NONE and NEGOTIATION as above; LOCK: deliver 1, release 2·1, dispute 2, reject 2·1, expire 2·10; LOCK disputed: resolve 3, but no
    /// dispute; DELIVER: release 2·1 + 9, dispute 1, reject 2·1; DELIVER disputed: resolve 3 too; DISPUTE: release 2·1 + 9, resolve 3,
    /// reject 2·1; CLEAR: claim 2·1 (the second payee).
    function test_CR61_onlyTheTablesCellsSucceed_review() public {
        State[] memory states = new State[](10);
        states[1].phase = Phase.NEGOTIATION;
        states[2].phase = Phase.LOCK;
        states[3] = State(Phase.LOCK, false, true);
        states[4].phase = Phase.DELIVER;
        states[5] = State(Phase.DELIVER, false, true);
        states[6] = State(Phase.DISPUTE, false, true);
        addFinals(states, 7, false, true);
        uint256 expected = 26 + 57 + 27 + 28 + 14 + 17 + 16 + 2 + 10 * 2 * 26;
        vm.assertEq(succeeding(true, false, states), expected, "cells that succeed");
    }

    /// @dev NONE as above; NEGOTIATION: approve 2·1, reject 2·1 more; NEGOTIATION approved: neither; LOCK: approve 2·1, reject 2·2, expire 2·10;
    /// LOCK approved: deliver 1, reject 2·1, expire 2·10.
    function test_CR61_onlyTheTablesCellsSucceed_approver() public {
        State[] memory states = new State[](8);
        states[1].phase = Phase.NEGOTIATION;
        states[2] = State(Phase.NEGOTIATION, true, false);
        states[3].phase = Phase.LOCK;
        states[4] = State(Phase.LOCK, true, false);
        addFinals(states, 5, true, false);
        uint256 expected = 26 + 61 + 57 + 26 + 23 + 8 * 2 * 26;
        vm.assertEq(succeeding(false, true, states), expected, "cells that succeed");
    }

    /// @dev NONE and NEGOTIATION as with an Approver; LOCK: approve 2·1, dispute 2, reject 2·2, expire 2·10; LOCK disputed: resolve with
    /// nothing for the Provider 1, but no dispute; LOCK approved: as LOCK with review; then all as with review.
    function test_CR61_onlyTheTablesCellsSucceed_reviewAndApprover() public {
        State[] memory states = new State[](13);
        states[1].phase = Phase.NEGOTIATION;
        states[2] = State(Phase.NEGOTIATION, true, false);
        states[3].phase = Phase.LOCK;
        states[4] = State(Phase.LOCK, false, true);
        states[5] = State(Phase.LOCK, true, false);
        states[6] = State(Phase.LOCK, true, true);
        states[7] = State(Phase.DELIVER, true, false);
        states[8] = State(Phase.DELIVER, true, true);
        states[9] = State(Phase.DISPUTE, true, true);
        addFinals(states, 10, true, true);
        uint256 expected = 26 + 61 + 57 + 28 + 27 + 27 + 28 + 14 + 17 + 16 + 2 + 13 * 2 * 26;
        vm.assertEq(succeeding(true, true, states), expected, "cells that succeed");
    }

    function addFinals(State[] memory states, uint256 from, bool approved, bool disputed) private pure {
        states[from] = State(Phase.CLEAR, approved, disputed);
        states[from + 1] = State(Phase.REJECTED, approved, disputed);
        states[from + 2] = State(Phase.EXPIRED, approved, disputed);
    }

    /* THE MATRIX */

    function succeeding(bool review, bool gate, State[] memory states) private returns (uint256 succeeded) {
        Order memory order = anOrder(review, gate, 2);
        uint256 fresh = vm.snapshotState();
        for (uint256 i; i < states.length; ++i) {
            succeeded += this.column(order, states[i]);
            vm.revertToState(fresh);
        }
    }

    /// @dev All cells of one state. External, so that its memory is given back.
    function column(Order memory order, State memory state) external returns (uint256 succeeded) {
        address[10] memory actors = [
            requester,
            provider,
            arbiter,
            approver,
            commissionTo,
            owner,
            treasury,
            stranger,
            address(token),
            address(vault)
        ];
        bytes32 id = bring(order, state);
        for (uint256 a; a < actors.length; ++a) {
            token.mint(actors[a], AMOUNT);
            vm.prank(actors[a]);
            token.approve(address(vault), AMOUNT);
        }
        Row[] memory rows = ProtocolTable.rows();
        Attempt[] memory attempts = attemptsOn(order, id);
        Case memory c;
        (c.order, c.id, c.phase, c.approved, c.disputed) = (order, id, state.phase, state.approved, state.disputed);
        (,,, c.since,) = vault.orderState(id);
        uint256 last = ProtocolTable.deadline(order, state.phase, c.since);
        if (last == 0) last = vm.getBlockTimestamp();
        for (uint256 late; late < 2; ++late) {
            vm.warp(last + late);
            uint256 before = vm.snapshotState();
            for (uint256 i; i < attempts.length; ++i) {
                for (uint256 a; a < actors.length; ++a) {
                    c.caller = actors[a];
                    c.roles = rolesOf(actors[a], order, state.phase);
                    if (!cell(rows, c, attempts[i])) continue;
                    ++succeeded;
                    vm.revertToState(before);
                }
            }
        }
    }

    /// @return succeeds Whether the cell is the table's, and then has done what the table says; otherwise it has done nothing.
    function cell(Row[] memory rows, Case memory c, Attempt memory attempt) private returns (bool succeeds) {
        (c.call, c.given) = (attempt.call, attempt.given);
        Outcome memory o = ProtocolTable.outcome(rows, c);
        succeeds = o.failure.length == 0;
        string memory name = string.concat("call ", vm.toString(uint256(c.call)), " by ", vm.toString(c.caller));
        name = string.concat(name, " in phase ", vm.toString(uint256(c.phase)));

        Balances memory before = balances();
        vm.prank(c.caller);
        (bool ok, bytes memory result) = address(vault).call(attempt.data);

        vm.assertEq(ok, succeeds || attempt.batch, name);
        if (!ok) vm.assertEq(result, o.failure, name);
        if (attempt.batch) vm.assertEq(abi.decode(result, (uint256)), succeeds ? 1 : 0, name);
        (Phase phase, bool approved, bool disputed, uint40 since,) = vault.orderState(c.id);
        vm.assertEq(uint256(phase), uint256(o.phase), name);
        vm.assertEq(approved, o.approved, name);
        vm.assertEq(disputed, o.disputed, name);
        vm.assertEq(since, o.phase == c.phase ? c.since : vm.getBlockTimestamp(), name);
        assertMoved(before, succeeds ? o.money : Moves.NONE, attempt.part, c.order.commissionBps, name);
    }

    function assertMoved(Balances memory expected, Moves money, uint256 part, uint256 commissionBps, string memory name)
        private
        view
    {
        if (money == Moves.PRICE_IN) {
            expected.vault += AMOUNT;
            expected.requester -= AMOUNT;
        } else if (money == Moves.REFUNDED) {
            expected.vault -= AMOUNT;
            expected.requester += AMOUNT;
        } else if (money == Moves.SETTLED || money == Moves.SPLIT) {
            if (money == Moves.SETTLED) part = AMOUNT;
            uint256 fee = part * FEE_BPS / 10_000;
            uint256 commission = part * commissionBps / 10_000;
            expected.vault -= AMOUNT - fee - commission;
            expected.requester += AMOUNT - part;
            expected.provider += part - fee - commission;
            expected.fees += fee;
            expected.credits += commission;
        } else if (money == Moves.CREDIT) {
            // The Requester's, or the second payee's.
            uint256 claimed = expected.vault - token.balanceOf(address(vault));
            vm.assertEq(claimed, expected.credits - balances().credits, name);
            (expected.vault, expected.credits) = (expected.vault - claimed, expected.credits - claimed);
        } else if (money == Moves.CREDIT_OF_REQUESTER) {
            uint256 claimed = expected.credits - balances().credits;
            vm.assertTrue(claimed != 0, name);
            expected.vault -= claimed;
            expected.requester += claimed;
            expected.credits -= claimed;
        } else if (money == Moves.FEES) {
            expected.vault -= expected.fees;
            expected.fees = 0;
        } else if (money == Moves.PUSHED) {
            expected.vault -= 1;
        }
        Balances memory found = balances();
        vm.assertEq(abi.encode(found), abi.encode(expected), name);
    }

    function balances() private view returns (Balances memory) {
        return Balances({
            vault: token.balanceOf(address(vault)),
            requester: token.balanceOf(requester),
            provider: token.balanceOf(provider),
            fees: accruedFees(),
            credits: vault.claimable(address(token), requester) + vault.claimable(address(token), commissionTo)
        });
    }

    /// @dev Roles that no order gives.
    function rolesOf(address actor, Order memory order, Phase phase) private view returns (uint256) {
        if (actor == owner) return OWNER;
        if (actor == treasury) return PENDING_OWNER;
        if (actor == address(vault)) return VAULT;
        bool credited = actor == requester || (actor == order.commissionTo && phase == Phase.CLEAR);
        return credited ? CREDITED : 0;
    }

    function attemptsOn(Order memory order, bytes32 id) private view returns (Attempt[] memory t) {
        (bytes memory byRequester, bytes memory byProvider) = (sign(REQUESTER_KEY, id), sign(PROVIDER_KEY, id));
        bytes memory by3009 = authorize(order, id);
        Order[] memory batch = new Order[](1);
        batch[0] = order;
        uint256 half = AMOUNT / 2;

        t = new Attempt[](29);
        uint256 n;
        t[n++] = plain(Call.CREATE, BY_BOTH, abi.encodeCall(vault.createOrder, (order, byRequester, byProvider)));
        t[n++] = plain(Call.CREATE, NOTHING, abi.encodeCall(vault.createOrder, (order, "", "")));
        t[n++] = plain(Call.PAY, NOTHING, abi.encodeCall(vault.payOrder, (order)));
        t[n++] = plain(Call.PAY_3009, BY_3009, abi.encodeCall(vault.payOrderWithAuthorization, (order, by3009)));
        t[n++] = plain(Call.PAY_3009, NOTHING, abi.encodeCall(vault.payOrderWithAuthorization, (order, "")));
        t[n++] = plain(Call.CREATE_AND_PAY, BY_PROVIDER, abi.encodeCall(vault.createAndPayOrder, (order, byProvider)));
        t[n++] = plain(Call.CREATE_AND_PAY, NOTHING, abi.encodeCall(vault.createAndPayOrder, (order, "")));
        t[n++] = createAndPay3009(order, BY_PROVIDER | BY_3009, byProvider, by3009);
        t[n++] = createAndPay3009(order, BY_PROVIDER, byProvider, "");
        t[n++] = createAndPay3009(order, BY_3009, "", by3009);
        t[n++] = plain(Call.APPROVE, NOTHING, abi.encodeCall(vault.approveOrder, (order)));
        t[n++] = plain(Call.DELIVER, NOTHING, abi.encodeCall(vault.deliverOrder, (order, DELIVERABLE)));
        t[n++] = plain(Call.RELEASE, NOTHING, abi.encodeCall(vault.releaseOrder, (order)));
        t[n++] = plain(Call.DISPUTE, NOTHING, abi.encodeCall(vault.disputeOrder, (order, REASON)));
        t[n++] = plain(Call.RESOLVE_NOTHING, NOTHING, abi.encodeCall(vault.resolveDispute, (order, 0, REASON)));
        t[n++] = plain(Call.RESOLVE_PART, NOTHING, abi.encodeCall(vault.resolveDispute, (order, half, REASON)));
        t[n - 1].part = half;
        t[n++] = plain(Call.RESOLVE_PART, NOTHING, abi.encodeCall(vault.resolveDispute, (order, AMOUNT, REASON)));
        t[n - 1].part = AMOUNT;
        t[n++] = plain(Call.REJECT, NOTHING, abi.encodeCall(vault.rejectOrder, (order, REASON)));
        t[n++] = plain(Call.EXPIRE, NOTHING, abi.encodeCall(vault.expireOrder, (order)));
        t[n++] = plain(Call.EXPIRE, NOTHING, abi.encodeCall(vault.expireOrders, (batch)));
        t[n - 1].batch = true;
        t[n++] = plain(Call.CLAIM, NOTHING, abi.encodeCall(vault.claim, (address(token), stranger)));
        t[n++] = plain(Call.CLAIM_FOR, NOTHING, abi.encodeCall(vault.claimFor, (address(token), requester)));
        t[n++] = plain(Call.SWEEP, NOTHING, abi.encodeCall(vault.sweepFees, (address(token))));
        t[n++] = plain(Call.PUSH, NOTHING, abi.encodeCall(vault.push, (address(token), stranger, 1)));
        t[n++] = plain(Call.SET_TOKEN, NOTHING, abi.encodeCall(vault.setToken, (address(token), false, 1)));
        t[n++] = plain(Call.SET_TREASURY, NOTHING, abi.encodeCall(vault.setTreasury, (stranger)));
        t[n++] = plain(Call.TRANSFER_OWNERSHIP, NOTHING, abi.encodeCall(vault.transferOwnership, (stranger)));
        t[n++] = plain(Call.ACCEPT_OWNERSHIP, NOTHING, abi.encodeCall(vault.acceptOwnership, ()));
        t[n++] = plain(Call.RENOUNCE_OWNERSHIP, NOTHING, abi.encodeCall(vault.renounceOwnership, ()));
    }

    function plain(Call call, uint256 given, bytes memory data) private pure returns (Attempt memory) {
        return Attempt({call: call, given: given, part: 0, batch: false, data: data});
    }

    function createAndPay3009(Order memory order, uint256 given, bytes memory byProvider, bytes memory by3009)
        private
        view
        returns (Attempt memory)
    {
        bytes memory data = abi.encodeCall(vault.createAndPayOrderWithAuthorization, (order, byProvider, by3009));
        return plain(Call.CREATE_AND_PAY_3009, given, data);
    }

    /* WHAT IS NO CALL */

    /// @notice What is no function of the vault reverts, whoever calls, and moves neither tokens nor ETH.
    function testFuzz_CR61_whatIsNoCallRevertsAndMovesNothing(address actor, bytes calldata data, uint96 value) public {
        vm.assume((data.length < 4 || !isFunction(bytes4(data))) && actor != address(vault));
        bring(anOrder(false, false, 2), State(Phase.LOCK, false, false));
        uint256 held = token.balanceOf(address(vault));
        vm.deal(actor, value);
        vm.prank(actor);
        (bool ok,) = address(vault).call{value: value}(data);
        vm.assertFalse(ok, "it went through");
        vm.assertEq(token.balanceOf(address(vault)), held, "tokens");
        vm.assertEq(address(vault).balance, 0, "ETH");
    }

    function isFunction(bytes4 selector) private view returns (bool) {
        Attempt[] memory calls = attemptsOn(anOrder(false, false, 2), 0);
        for (uint256 i; i < calls.length; ++i) {
            if (bytes4(calls[i].data) == selector) return true;
        }
        return selector == IVault.owner.selector || selector == IVault.pendingOwner.selector
            || selector == IERC5267.eip712Domain.selector || selector == ICAPVault.orderState.selector
            || selector == ICAPVault.hashOrder.selector || selector == ICAPVault.isDelivered.selector
            || selector == ICAPVault.claimable.selector || selector == ICAPVault.tokenConfig.selector
            || selector == ICAPVault.treasury.selector;
    }

    /* ORDERS */

    function anOrder(bool review, bool gate, uint64 salt) private view returns (Order memory order) {
        order.requester = requester;
        order.provider = provider;
        order.token = address(token);
        order.amount = uint120(AMOUNT);
        order.feeBps = uint16(FEE_BPS);
        order.payDeadline = uint40(START + 1 hours);
        order.slaSeconds = 2 hours;
        order.salt = salt;
        if (gate) order.approver = approver;
        if (!review) return order;
        (order.arbiter, order.reviewSeconds) = (arbiter, 3 hours);
        (order.commissionTo, order.commissionBps) = (commissionTo, uint16(COMMISSION_BPS));
    }

    function authorize(Order memory order, bytes32 id) private view returns (bytes memory) {
        bytes32 digest = token3009.authorizationDigest(
            order.requester, address(vault), order.amount, 0, uint256(order.payDeadline) + 1, id
        );
        return sign(REQUESTER_KEY, digest);
    }

    /// @dev Creates `order` and brings it into `state`; a final one from LOCK or, where there is a review, DELIVER. May move the clock.
    function bring(Order memory order, State memory state) private returns (bytes32 id) {
        id = vault.hashOrder(order);
        if (state.phase == Phase.NONE) return id;
        create(order);
        if (state.approved) {
            vm.prank(approver);
            vault.approveOrder(order);
        }
        if (state.phase == Phase.NEGOTIATION) return id;
        pay(order);
        if (state.disputed && state.phase != Phase.DISPUTE) {
            vm.prank(provider);
            vault.disputeOrder(order, REASON);
        }
        if (state.phase == Phase.LOCK) return id;
        if (state.phase == Phase.REJECTED) {
            vm.prank(provider);
            vault.rejectOrder(order, REASON);
        } else if (state.phase == Phase.EXPIRED) {
            vm.warp(vm.getBlockTimestamp() + order.slaSeconds + 1);
            vault.expireOrder(order);
        } else {
            deliver(order);
        }
        if (state.phase == Phase.DISPUTE) {
            vm.prank(requester);
            vault.disputeOrder(order, REASON);
        } else if (state.phase == Phase.CLEAR && order.reviewSeconds != 0) {
            vm.prank(requester);
            vault.releaseOrder(order);
        }
    }
}
