// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {MockToken} from "../mocks/MockToken.sol";
import {VaultTest} from "../CAPVault/VaultTest.sol";

/// @notice Full-transaction gas of each direct call, as docs/gas.md shows it: 21 000 and calldata included, refunds counted, warm balances,
/// exact allowance. Isolation makes each call a transaction of its own.
/// @dev docs/gas.md is the snapshot: a figure that changes, in either direction, fails until scripts/gas.sh --update has written it there.
/// forge-config: default.isolate = true
contract GasTest is VaultTest {
    // forge prints this event by its name.
    event log_named_uint(string key, uint256 val);

    function setUp() public override {
        super.setUp();
        address implementation =
            vm.deployCode("SandboxToken.sol:SandboxToken", abi.encode("USD Coin", "USDC", address(this)));
        token = MockToken(vm.deployCode("SandboxTokenProxy.sol:SandboxTokenProxy", abi.encode(implementation)));
        vm.prank(owner);
        vault.setToken(address(token), true, MIN_FEE_BPS);
        // Warm destination balances, and accrued fees that are not zero.
        address[5] memory holders = [requester, provider, address(vault), commissionTo, treasury];
        for (uint256 i = 0; i < holders.length; ++i) {
            token.mint(holders[i], 1);
        }
        Order memory first = _order();
        first.salt = 1;
        bring(first, Phase.CLEAR);
    }

    /// @dev The figures mean little if the token is cheaper than the real USDC, whose bare transfer costs 44.8k.
    function test_transfer() public {
        token.mint(stranger, 10);
        vm.prank(stranger);
        token.transfer(provider, 5);
        vm.assertGe(_used(), 44_800, "cheaper than USDC");
        _report("bare token transfer", 45_600);
    }

    /* CREATE AND PAY */

    function test_create() public {
        create(_order());
        _report("create", 69_000);
    }

    function test_createByTheRequester() public {
        Order memory order = _order();
        bytes memory providerSig = _providerSig(order);
        vm.prank(requester);
        vault.createOrder(order, "", providerSig);
        _report("create by the Requester", 69_000);
    }

    function test_pay() public {
        Order memory order = _order();
        create(order);
        pay(order);
        _report("pay", 65_000);
    }

    function test_payWithAuthorization() public {
        Order memory order = _order();
        create(order);
        bytes memory authorization = _authorization(order);
        vm.prank(stranger);
        vault.payOrderWithAuthorization(order, authorization);
        _report("pay by 3009", 0);
    }

    function test_createAndPay() public {
        _createAndPay(_order());
        _report("create + pay", 98_000);
    }

    function test_createAndPayWithAuthorization() public {
        Order memory order = _order();
        (bytes memory providerSig, bytes memory authorization) = (_providerSig(order), _authorization(order));
        vm.prank(stranger);
        vault.createAndPayOrderWithAuthorization(order, providerSig, authorization);
        _report("create + pay by 3009", 137_000);
    }

    /* DELIVER AND SETTLE */

    function test_approve() public {
        Order memory order = _order();
        order.approver = approver;
        bring(order, Phase.LOCK);
        approve(order);
        _report("approve", 0);
    }

    function test_deliver() public {
        Order memory order = _order();
        bring(order, Phase.LOCK);
        deliver(order);
        _report("deliver + settle", 72_000);
    }

    function test_deliverIntoReview() public {
        Order memory order = _reviewed();
        bring(order, Phase.LOCK);
        deliver(order);
        _report("deliver into review", 36_000);
    }

    function test_release() public {
        Order memory order = _reviewed();
        bring(order, Phase.DELIVER);
        release(order);
        _report("release", 69_000);
    }

    function test_releaseAfterSilence() public {
        Order memory order = _reviewed();
        bring(order, Phase.DELIVER);
        vm.warp(vm.getBlockTimestamp() + order.reviewSeconds + 1);
        vm.prank(stranger);
        vault.releaseOrder(order);
        _report("release after silence", 69_000);
    }

    /* DISPUTE */

    function test_disputeBeforeDelivery() public {
        Order memory order = _reviewed();
        bring(order, Phase.LOCK);
        dispute(order);
        _report("dispute before delivery", 0);
    }

    function test_disputeAfterDelivery() public {
        Order memory order = _reviewed();
        bring(order, Phase.DISPUTE);
        _report("dispute after delivery", 0);
    }

    function test_resolve() public {
        Order memory order = _reviewed();
        bring(order, Phase.DISPUTE);
        resolve(order, order.amount / 2);
        _report("resolve half to each", 0);
    }

    /* REJECT AND EXPIRE */

    function test_refundByReject() public {
        Order memory order = _order();
        bring(order, Phase.LOCK);
        _reject(order);
        _report("refund by reject", 63_000);
    }

    function test_refundByExpire() public {
        Order memory order = _order();
        bring(order, Phase.LOCK);
        vm.warp(vm.getBlockTimestamp() + order.slaSeconds + 1);
        vm.prank(stranger);
        vault.expireOrder(order);
        _report("refund by expire", 63_000);
    }

    /// @dev Three, so that a third of the difference to one is what each further order costs.
    function test_refundsByExpireOrders() public {
        Order[] memory orders = new Order[](3);
        for (uint64 i = 0; i < 3; ++i) {
            orders[i] = _order();
            orders[i].salt += i;
            bring(orders[i], Phase.LOCK);
        }
        vm.warp(vm.getBlockTimestamp() + orders[0].slaSeconds + 1);
        vm.prank(stranger);
        vault.expireOrders(orders);
        _report("three refunds by expireOrders", 0);
    }

    function test_rejectBeforePayment() public {
        Order memory order = _order();
        bring(order, Phase.REJECTED);
        _report("reject before payment", 36_000);
    }

    function test_rejectFromNone() public {
        _reject(_order());
        _report("reject from NONE", 54_000);
    }

    function test_expireBeforePayment() public {
        Order memory order = _order();
        bring(order, Phase.EXPIRED);
        _report("expire before payment", 36_000);
    }

    /* MONEY */

    function test_claim() public {
        Order memory order = _order();
        (order.commissionTo, order.commissionBps) = (commissionTo, 100);
        bring(order, Phase.CLEAR);
        vm.prank(commissionTo);
        vault.claim(address(token), commissionTo);
        _report("claim", 0);
    }

    function test_sweepFees() public {
        vm.prank(stranger);
        vault.sweepFees(address(token));
        _report("sweepFees", 0);
    }

    /* WHOLE ORDERS */

    function test_wholeOrderInThree() public {
        Order memory order = _order();
        create(order);
        uint256 used = _used();
        pay(order);
        used += _used();
        deliver(order);
        _report("whole order in 3", used + _used(), 206_000);
    }

    function test_wholeOrderInTwo() public {
        Order memory order = _order();
        _createAndPay(order);
        uint256 used = _used();
        deliver(order);
        _report("whole order in 2", used + _used(), 170_000);
    }

    /* HELPERS */

    function _order() private view returns (Order memory order) {
        order.requester = requester;
        order.provider = provider;
        order.token = address(token);
        order.amount = 1_000_000;
        order.feeBps = 1000;
        order.payDeadline = uint40(START + 1 days);
        order.slaSeconds = 3600;
        order.termsHash = keccak256("terms");
        order.salt = 0x123456789abcdef0;
    }

    function _reviewed() private view returns (Order memory order) {
        order = _order();
        (order.arbiter, order.reviewSeconds) = (arbiter, 3600);
    }

    function _createAndPay(Order memory order) private {
        bytes memory providerSig = _providerSig(order);
        fund(order);
        vm.prank(requester);
        vault.createAndPayOrder(order, providerSig);
    }

    function _reject(Order memory order) private {
        vm.prank(provider);
        vault.rejectOrder(order, REASON);
    }

    function _providerSig(Order memory order) private view returns (bytes memory) {
        return sign(PROVIDER_KEY, vault.hashOrder(order));
    }

    /// @dev The Requester's, with the price in its hands.
    function _authorization(Order memory order) private returns (bytes memory) {
        token.mint(requester, order.amount);
        bytes32 separator = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("USD Coin"),
                keccak256("2"),
                block.chainid,
                address(token)
            )
        );
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
                ),
                requester,
                address(vault),
                uint256(order.amount),
                0,
                uint256(order.payDeadline) + 1,
                vault.hashOrder(order)
            )
        );
        return sign(REQUESTER_KEY, keccak256(abi.encodePacked(hex"1901", separator, structHash)));
    }

    function _used() private view returns (uint256) {
        return vm.lastCallGas().gasTotalUsed;
    }

    function _report(string memory name, uint256 limit) private {
        _report(name, _used(), limit);
    }

    /// @param limit 0 = none.
    function _report(string memory name, uint256 used, uint256 limit) private {
        emit log_named_uint(name, used);
        if (limit != 0) vm.assertLe(used, limit, name);
        string memory row = string.concat(
            "| ", name, " | ", vm.toString(used), " | ", limit == 0 ? "" : string.concat(vm.toString(limit), " "), "|"
        );
        vm.assertTrue(
            vm.contains(vm.readFile("docs/gas.md"), string.concat("\n", row)),
            string.concat("docs/gas.md has no row ", row, ": if the change is meant, scripts/gas.sh --update")
        );
    }
}
